"""What a run leaves to be used without us: the detector alone, what it costs, and a page about it."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from frs_core.context import RunContext
from frs_core.cost import Cost
from frs_core.datasets.check import read_split
from frs_core.datasets.records import DatasetReport
from frs_core.detectors.builders import model_config
from frs_core.detectors.checkpoints import save_weights
from frs_core.detectors.wall import Config
from frs_core.environment import environment
from frs_core.evaluation.cost import measure_cost
from frs_core.evaluation.judge import Metrics
from frs_core.events import CheckpointKind
from frs_core.files import publish, save_json, save_text
from frs_core.spec.job import JobSpec
from frs_core.training.model_card import model_card
from frs_core.training.onnx_export import write_onnx
from frs_core.training.samples import SplitImages, resize_and_pack
from frs_core.training.train import Trained

log = logging.getLogger(__name__)


def publish_export(
    trained: Trained,
    spec: JobSpec,
    report: DatasetReport,
    results: Mapping[str, Metrics],
    context: RunContext,
) -> None:
    """Save and publish everything. The tensors come first: nothing that follows can lose them."""
    at: dict[str, Any] = {"step": trained.step, "epoch": trained.epoch}
    weights = context.workdir / "weights.safetensors"
    save_weights(trained.detector.state_dict(), weights, {"classes": ",".join(report.classes)})
    export, config = save_export(context.workdir, trained.detector, spec, report.classes)
    context.artifact("export_config.py", config, "text/x-python")
    context.checkpoint(CheckpointKind.EXPORT, export, **at)
    context.checkpoint(CheckpointKind.WEIGHTS, weights, **at, metadata={"classes": list(report.classes)})
    images = SplitImages(
        read_split(spec.dataset, "val"), spec.dataset.format, spec.input_size, seed=0, flip_probability=0.0
    )
    cost = _cost(trained, images, spec)
    context.cost(cost)
    save_json(context, "cost.json", cost.model_dump(mode="json"))
    card = model_card(
        spec,
        report,
        results,
        environment=environment(),
        given_weights=_given_weights(context),
        cost=cost,
        graphs=_publish_onnx(trained, spec, report, images, context),
    )
    save_text(context, "model_card.md", card, "text/markdown")


def _given_weights(context: RunContext) -> dict[str, str]:
    """SHA-256 of each weights file that the run read, by its place in the job: teacher, checkpoint, init."""
    files = sorted(context.workdir.glob("imported_*.json"))
    return {file.stem.removeprefix("imported_"): json.loads(file.read_text())["sha256"] for file in files}


def _publish_onnx(
    trained: Trained, spec: JobSpec, report: DatasetReport, images: SplitImages, context: RunContext
) -> list[dict[str, Any]]:
    """The graphs, each compared with PyTorch on the first image of val. What fails here costs no training."""
    if spec.detector.operators:
        message = f"no ONNX file: ONNX has no operator {spec.detector.operators[0]}, which the detector uses"
        context.warn("onnx_missing", message)
        return []
    about = {
        "name": spec.name,
        "detector": spec.detector.zoo,
        "classes": json.dumps(report.classes),
        "input_size": json.dumps(spec.input_size),
    }
    image = images[(0, 0)]["inputs"]
    graphs: list[dict[str, Any]] = []
    with beside_the_result(context, "onnx_missing", "no ONNX file"):
        graphs = write_onnx(trained.detector, spec.detector.family, image, context.workdir, about)
    for graph in graphs:
        _warn_of_difference(graph, context)
        context.artifact(graph["file"], context.workdir / graph["file"], "application/octet-stream")
    if graphs:
        save_json(context, "onnx.json", graphs)
    return graphs


@contextmanager
def beside_the_result(context: RunContext, code: str, what: str) -> Iterator[None]:
    """What fails in here is a warning: a training of days is not lost for what only accompanies it."""
    try:
        yield
    except Exception as error:
        log.exception(what)
        context.warn(code, f"{what}: {type(error).__name__}: {error}")


def _warn_of_difference(graph: dict[str, Any], context: RunContext) -> None:
    check = graph["check"]
    if not check["agrees"]:
        share, tolerance = check["max_relative_difference"], check["tolerance"]
        message = (
            f"{graph['file']} differs from PyTorch by {share:.2g} of an output's largest value, more than "
            f"{tolerance:g}: do not rely on it"
        )
        context.warn("onnx_differs", message, details=check)


def _cost(trained: Trained, images: SplitImages, spec: JobSpec) -> Cost:
    cost = measure_cost(trained.detector, images[(0, 0)], spec.input_size)
    return cost.model_copy(update={"training": trained.cost, "adapter_params": trained.adapter_params})


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
