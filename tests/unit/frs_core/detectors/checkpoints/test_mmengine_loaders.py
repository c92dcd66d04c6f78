"""Every path of mmengine that loads, tried with a file that would execute code."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from frs_core.detectors.checkpoints import forbid_unsafe_loading
from frs_core.errors import CheckpointError

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    import mmengine.runner.checkpoint as loaders
    import mmengine.utils.dl_utils as dl_utils
    import torch.utils.model_zoo

    for module, name in [
        (loaders, "_safe_torch_load"),
        (loaders, "load_url"),
        (dl_utils, "load_url"),
        (dl_utils.hub, "load_url"),
        (torch.utils.model_zoo, "load_url"),
        (torch.hub, "load_state_dict_from_url"),
    ]:
        monkeypatch.setattr(module, name, getattr(module, name))
    forbid_unsafe_loading()
    forbid_unsafe_loading()  # a second call is harmless


@pytest.fixture
def file(hostile: Any, tmp_path: Path) -> str:
    """A checkpoint with everything that resuming asks for, and the trap."""
    path = tmp_path / "hostile.pth"
    torch.save({"state_dict": {}, "meta": {"epoch": 1, "iter": 1, "trap": hostile}, "message_hub": {}}, path)
    return str(path)


def runner(work_dir: Path, **options: Any) -> Any:
    from mmengine.model import BaseModel
    from mmengine.runner import Runner

    class Model(BaseModel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, inputs: Any, data_samples: Any = None, mode: str = "loss") -> Any:
            return {"loss": self.layer(torch.as_tensor(inputs).float().reshape(-1, 1)).sum()}

    return Runner(
        model=Model(),
        work_dir=str(work_dir),
        train_dataloader={
            "dataset": [0.0, 1.0],
            "batch_size": 1,
            "sampler": {"type": "DefaultSampler", "shuffle": False},
        },
        train_cfg={"by_epoch": True, "max_epochs": 2},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        default_hooks={"checkpoint": {"type": "CheckpointHook", "interval": 1}},
        experiment_name=f"test-{os.urandom(4).hex()}",
        log_level="ERROR",
        **options,
    )


def test_the_loaders(file: str) -> None:
    from mmengine.runner import CheckpointLoader, load_checkpoint
    from mmengine.runner.checkpoint import _load_checkpoint, _load_checkpoint_with_prefix, _safe_torch_load

    calls: list[Callable[[], Any]] = [
        lambda: load_checkpoint(nn.Linear(1, 1), file),
        lambda: CheckpointLoader.load_checkpoint(file),
        lambda: _load_checkpoint(file),
        lambda: _load_checkpoint_with_prefix("backbone", file),
        lambda: _safe_torch_load(file, weights_only=False),
        lambda: _safe_torch_load(io.BytesIO(Path(file).read_bytes())),
    ]
    for call in calls:
        with pytest.raises(CheckpointError, match="refused"):
            call()


def test_pretrained_weights_of_a_module(file: str) -> None:
    from mmengine.model import BaseModule

    module = BaseModule(init_cfg={"type": "Pretrained", "checkpoint": file})
    with pytest.raises(CheckpointError, match="refused"):
        module.init_weights()
    module = BaseModule(init_cfg={"type": "Pretrained", "checkpoint": file, "prefix": "backbone"})
    with pytest.raises(CheckpointError, match="refused"):
        module.init_weights()


def test_the_runners_load_from_and_resume(file: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="refused"):
        runner(tmp_path / "a", load_from=file).train()
    with pytest.raises(CheckpointError, match="refused"):
        runner(tmp_path / "b", load_from=file, resume=True).train()
    with pytest.raises(CheckpointError, match="refused"):
        runner(tmp_path / "c").resume(file)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "last_checkpoint").write_text(file)
    with pytest.raises(CheckpointError, match="refused"):
        runner(tmp_path / "d", resume=True).train()


def test_nothing_is_downloaded_behind_the_jobs_back() -> None:
    import torch.utils.model_zoo
    from mmengine.model import BaseModule
    from mmengine.runner import load_checkpoint
    from mmengine.utils.dl_utils import load_url

    address = "https://127.0.0.1:9/resnet50-0676ba61.pth"
    named = "open-mmlab://detectron2/resnet50_caffe"
    calls: list[Callable[[], Any]] = [
        lambda: load_checkpoint(nn.Linear(1, 1), address),
        lambda: load_checkpoint(nn.Linear(1, 1), "open-mmlab://detectron2/resnet50_caffe"),
        lambda: BaseModule(init_cfg={"type": "Pretrained", "checkpoint": named}).init_weights(),
        lambda: load_url(address),
        lambda: torch.hub.load_state_dict_from_url(address),
        lambda: torch.utils.model_zoo.load_url(address),
    ]
    for call in calls:
        with pytest.raises(CheckpointError, match="would be downloaded"):
            call()


def test_a_configuration_inside_a_checkpoint_is_never_executed(hostile: Any, tmp_path: Path) -> None:
    from mmengine import Config

    code = f"import pathlib\npathlib.Path({str(hostile.marker)!r}).touch()\n"
    Config.fromstring(code, file_format=".py")
    assert hostile.marker.exists(), "mmengine executes configurations, so that this test means something"
    hostile.marker.unlink()

    first = runner(tmp_path / "run")
    first.train()
    path = tmp_path / "run" / "epoch_1.pth"
    checkpoint = torch.load(path, weights_only=False)
    checkpoint["meta"].update(config=code, cfg=code)
    checkpoint["message_hub"]["runtime_info"]["cfg"] = code
    torch.save(checkpoint, path)

    second = runner(tmp_path / "again", load_from=str(path), resume=True)
    second.train()
    assert second.epoch == 2


def test_an_honest_run_resumes_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = runner(tmp_path / "whole")
    whole.train()
    resumed = runner(tmp_path / "part", load_from=str(tmp_path / "whole" / "epoch_1.pth"), resume=True)
    resumed.train()
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], tensor)
    losses = [each.message_hub.get_scalar("train/loss").data[0] for each in (whole, resumed)]
    np.testing.assert_array_equal(*losses)
