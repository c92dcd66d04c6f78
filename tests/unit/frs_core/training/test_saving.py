"""What a training keeps on the disk, and what it lets go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from frs_core.context import LocalContext
from frs_core.events import CheckpointEvent, event_adapter

pytestmark = pytest.mark.torch


def saved(workdir: Path, kind: str) -> list[CheckpointEvent]:
    lines = (workdir / "events.jsonl").read_text().splitlines()
    found = [event_adapter.validate_json(line) for line in lines]
    return [event for event in found if isinstance(event, CheckpointEvent) and event.kind == kind]


@pytest.mark.parametrize(("supervised", "files"), [(False, {4}), (True, {1, 4})])
def test_the_best_weights_stay_and_those_they_beat_go_unless_they_may_still_be_stored(
    supervised: bool, files: set[int], tmp_path: Path, tiny_job: Callable[..., Any]
) -> None:
    from frs_core.detectors.checkpoints import load_tensors
    from frs_core.training.saving import BestWeights
    from frs_core.training.train import build_model

    spec = tiny_job(schedule={"ema": {}})
    context = LocalContext(tmp_path, supervised=supervised)
    model = build_model(spec, ("a", "b"), context)
    best = BestWeights(model, context, ("a", "b"))
    for step, ap in enumerate((0.1, 0.05, None, 0.2, 0.2), start=1):
        with torch.no_grad():
            model.trained.bbox_head.retina_cls.weight.fill_(step)
        best.offer(ap, step=step, epoch=step)

    assert (best.ap, best.step) == (0.2, 4)
    assert [(event.step, event.metadata["ap"]) for event in saved(tmp_path, "best")] == [(1, 0.1), (4, 0.2)]
    assert {int(path.stem.partition("_")[2]) for path in tmp_path.glob("best_*")} == files
    kept = load_tensors(tmp_path / "best_00000004.safetensors").state_dict
    assert kept["bbox_head.retina_cls.weight"].unique().tolist() == [4.0]


def test_states_are_saved_within_epochs_too_and_the_newest_are_kept(
    tmp_path: Path, tiny_job: Callable[..., Any]
) -> None:
    from frs_core.run import run

    schedule = {"steps": 5, "batch_size": 2, "warmup_steps": 0, "keep_states": 2, "checkpoint_every_steps": 2}
    run(tiny_job(schedule=schedule), LocalContext(tmp_path))

    states = saved(tmp_path, "state")
    assert [(event.step, event.epoch) for event in states] == [(2, 0), (3, 1), (4, 1), (5, 1)]
    assert sorted(path.name for path in tmp_path.glob("state_*")) == [
        "state_00000004.pth",
        "state_00000005.pth",
    ]
    assert [event.step for event in saved(tmp_path, "weights")] == [5]
