"""A file that mmengine's own runner saved, with all that OpenMMLab's checkpoints hold."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from frs_core.detectors.checkpoints import load_tensors
from service.api.checkpoints import inspect

pytestmark = pytest.mark.torch


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Trained for two epochs with EMA, momentum, a warm-up and milestones; its message hub has histories."""
    from mmengine.model import BaseModel
    from mmengine.runner import Runner

    class Model(BaseModel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, inputs: Any, data_samples: Any = None, mode: str = "loss") -> Any:
            return {"loss": self.layer(torch.as_tensor(inputs).float().reshape(-1, 1)).sum()}

    runner = Runner(
        model=Model(),
        work_dir=str(tmp_path / "run"),
        train_dataloader={
            "dataset": [0.0, 1.0, 2.0],
            "batch_size": 1,
            "sampler": {"type": "DefaultSampler", "shuffle": False},
        },
        train_cfg={"by_epoch": True, "max_epochs": 2},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}},
        param_scheduler=[
            {"type": "LinearLR", "start_factor": 0.1, "by_epoch": False, "begin": 0, "end": 2},
            {"type": "MultiStepLR", "milestones": [1], "by_epoch": True},
        ],
        default_hooks={"checkpoint": {"type": "CheckpointHook", "interval": 1}},
        custom_hooks=[{"type": "EMAHook"}],
        experiment_name="official",
        log_level="ERROR",
    )
    runner.message_hub.update_info("best_score", np.float64(0.5))
    runner.train()
    return tmp_path / "run" / "epoch_2.pth"


def test_it_passes_the_server_and_gives_the_weights_that_were_evaluated(official: Path) -> None:
    inspect(official)
    loaded = load_tensors(official)

    whole = torch.load(official, weights_only=False)
    assert "HistoryBuffer" in str(type(whole["message_hub"]["log_scalars"]["train/loss"]))
    averages, trained = whole["state_dict"], whole["ema_state_dict"]
    assert not torch.equal(averages["layer.weight"], trained["module.layer.weight"])
    assert loaded.state_dict.keys() == averages.keys()
    assert all(torch.equal(loaded.state_dict[name], averages[name]) for name in averages)
    assert loaded.set_aside == ("ema_state_dict",)
    assert loaded.meta["epoch"] == 2


def test_the_older_hooks_second_copy_is_set_aside(tmp_path: Path) -> None:
    weights = {"backbone.conv1.weight": torch.ones(2), "ema_backbone_conv1_weight": torch.zeros(2)}
    torch.save({"state_dict": weights}, tmp_path / "a.pth")
    loaded = load_tensors(tmp_path / "a.pth")
    assert list(loaded.state_dict) == ["backbone.conv1.weight"]
    assert loaded.set_aside == ("ema_backbone_conv1_weight",)
