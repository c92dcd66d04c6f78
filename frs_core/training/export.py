"""The student alone, as a stock mmdet checkpoint with the config that loads it."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from frs_core.context import publish
from frs_core.detectors.builders import model_config
from frs_core.detectors.wall import Config
from frs_core.spec.job import JobSpec
from frs_core.training.samples import resize_and_pack


def export_config(spec: JobSpec, classes: tuple[str, ...]) -> Any:
    """An mmdet config that stock `mmdet.apis.init_detector` accepts, of this detector and input size."""
    pipeline = [{"type": "LoadImageFromFile"}, *resize_and_pack(spec.input_size)]
    dataset = {
        "type": "CocoDataset",
        "metainfo": {"classes": classes},
        "ann_file": "",
        "test_mode": True,
        "pipeline": pipeline,
    }
    return Config(
        {
            "default_scope": "mmdet",
            "model": model_config(spec.detector, len(classes)),
            "test_dataloader": {"batch_size": 1, "num_workers": 0, "dataset": dataset},
        }
    )


def save_export(
    folder: Path, detector: nn.Module, spec: JobSpec, classes: tuple[str, ...]
) -> tuple[Path, Path]:
    """Write `export.pth` and `export_config.py` into `folder`; their paths."""
    config_path, weights_path = folder / "export_config.py", folder / "export.pth"
    config = config_path.with_suffix(".partial")
    config.write_text(export_config(spec, classes).pretty_text)
    weights = weights_path.with_suffix(".partial")
    torch.save(
        {"meta": {"dataset_meta": {"classes": list(classes)}}, "state_dict": detector.state_dict()}, weights
    )
    return publish(weights, weights_path), publish(config, config_path)
