"""A run that was stopped or killed anywhere ends as one that never was: same weights, same metrics."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from frs_core.context import LocalContext
from frs_core.events import CheckpointEvent, EvaluationEvent, Event, MetricEvent, event_adapter

pytestmark = pytest.mark.torch

EVERYTHING = {
    "epochs": 3, "batch_size": 1, "accumulate": 2, "precision": "bf16", "ema": {"momentum": 0.1},
    "multi_scale": {"sizes": [[96, 64], [128, 96]]}, "decay": "cosine", "warmup_steps": 2,
    "optimizer": {"name": "sgd", "lr": 0.01, "bias_lr_mult": 2.0}, "checkpoint_every_steps": 2,
}  # fmt: skip
"""Three epochs of three steps; states after 2, 3, 4, 6, 8 and 9 of them."""

KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from frs_core.context import LocalContext
from frs_core.job_file import read_job
from frs_core.run import run_and_report

class Killed(LocalContext):
    def report(self, step, values):
        super().report(step, values)
        if "train/loss" in values and step == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

torch.use_deterministic_algorithms(True, warn_only=True)
run_and_report(read_job(Path(sys.argv[1])), Killed(Path(sys.argv[2])))
"""


class StopsAfter(LocalContext):
    """Asks to stop once the training has reported the given number of steps."""

    def __init__(self, workdir: Path, steps: int, **chosen: Any) -> None:
        super().__init__(workdir, **chosen)
        self._steps = steps

    def report(self, step: int, values: Any) -> None:
        super().report(step, values)
        if "train/loss" in values and step == self._steps:
            self.request_stop()


def events(workdir: Path) -> list[Event]:
    lines = (workdir / "events.jsonl").read_text().splitlines()
    return [event_adapter.validate_json(line) for line in lines]


def weights(workdir: Path) -> bytes:
    return (workdir / "weights.safetensors").read_bytes()


def metrics(*workdirs: Path) -> dict[int, dict[str, float | None]]:
    """By step, without what is told of the host."""
    series: dict[int, dict[str, float | None]] = {}
    for workdir in workdirs:
        for event in events(workdir):
            if isinstance(event, MetricEvent):
                exact = {name: value for name, value in event.values.items() if not name.startswith("host/")}
                series.setdefault(event.step, {}).update(exact)
    return series


def states(workdir: Path) -> dict[int, Path]:
    """The states that are there to resume from, by step."""
    found = [
        event for event in events(workdir) if isinstance(event, CheckpointEvent) and event.kind == "state"
    ]
    return {event.step: workdir / event.path for event in found if (workdir / event.path).exists()}


def best(*workdirs: Path) -> list[tuple[int, float]]:
    """Step and AP of each best checkpoint, in order; one may have been found again."""
    found = [event for workdir in workdirs for event in events(workdir) if isinstance(event, CheckpointEvent)]
    return sorted({(event.step, event.metadata["ap"]) for event in found if event.kind == "best"})


def continues(whole: Path, first: Path, second: Path) -> None:
    """Compare all that `whole` left with what `first` and its continuation left."""
    assert weights(second) == weights(whole)
    expected = metrics(whole)
    for step, values in metrics(first).items():
        assert {name: expected[step][name] for name in values} == values
    assert metrics(first, second) == expected
    assert best(first, second) == best(whole)
    last = [
        [event.metrics for event in events(workdir) if isinstance(event, EvaluationEvent)][-1]
        for workdir in (whole, second)
    ]
    assert last[0] == last[1]


@pytest.mark.parametrize(
    ("family", "method", "schedule", "stops"),
    [
        ("retinanet", "none", {}, (1, 3)),
        ("retinanet", "frs", EVERYTHING, (1, 5)),
        ("faster_rcnn", "frs", {}, (4,)),
        *(
            pytest.param(family, method, EVERYTHING, stops, marks=pytest.mark.slow)
            for family, method, stops in (
                ("retinanet", "none", range(1, 9)),
                ("retinanet", "frs", range(1, 9)),
                ("faster_rcnn", "frs", range(1, 9)),
                ("fcos", "frs", (2, 7)),
                ("gfl", "frs", (2, 7)),
            )
        ),
    ],
)
def test_a_stopped_run_continues_as_if_nothing_had_happened(
    family: str,
    method: str,
    schedule: dict[str, Any],
    stops: Iterable[int],
    tmp_path: Path,
    tiny_job: Callable[..., Any],
    teacher_of: Callable[[str], dict[str, Any]],
) -> None:
    from frs_core.run import STOPPED_EXIT_CODE, run_and_report

    torch.use_deterministic_algorithms(True, warn_only=True)
    changes: dict[str, Any] = {"schedule": schedule, "resources": {"data_workers": 1}} if schedule else {}
    spec = tiny_job("distill", family, method={"name": method}, teacher=teacher_of(family), **changes)
    whole = tmp_path / "whole"
    assert run_and_report(spec, LocalContext(whole)) == 0

    for stop in stops:
        first, second = tmp_path / f"first_{stop}", tmp_path / f"second_{stop}"
        assert run_and_report(spec, StopsAfter(first, stop)) == STOPPED_EXIT_CODE
        assert run_and_report(spec, LocalContext(second, resume_from=states(first)[stop])) == 0
        continues(whole, first, second)


@pytest.mark.parametrize(
    ("method", "killed_at", "resumed_from"),
    [
        ("frs", 5, 4),
        *(
            pytest.param(*points, marks=pytest.mark.slow)
            for points in (
                ("none", 6, 4),
                *(("frs", *steps) for steps in ((3, 2), (4, 3), (7, 6), (8, 6), (9, 8))),
            )
        ),
    ],
)
def test_a_killed_run_continues_from_its_last_state_as_if_nothing_had_happened(
    method: str,
    killed_at: int,
    resumed_from: int,
    tmp_path: Path,
    repo_root: Path,
    tiny_job: Callable[..., Any],
    teacher_of: Callable[[str], dict[str, Any]],
) -> None:
    from frs_core.run import run_and_report

    torch.use_deterministic_algorithms(True, warn_only=True)
    spec = tiny_job(
        "distill",
        method={"name": method},
        teacher=teacher_of("retinanet"),
        schedule=EVERYTHING,
        resources={"data_workers": 1},
    )
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    assert run_and_report(spec, LocalContext(whole)) == 0
    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(spec.model_dump(mode="json")))
    command = [sys.executable, "-c", KILLED, str(job), str(first), str(killed_at)]
    environment = {**os.environ, "PYTHONPATH": str(repo_root), "OMP_NUM_THREADS": "1"}
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL

    left = states(first)
    assert max(left) == resumed_from
    assert len(left) <= 2
    assert run_and_report(spec, LocalContext(second, resume_from=left[resumed_from])) == 0
    continues(whole, first, second)


def test_the_state_of_another_job_is_refused(tmp_path: Path, tiny_job: Callable[..., Any]) -> None:
    from frs_core.errors import CheckpointError
    from frs_core.run import run, run_and_report

    first = tmp_path / "first"
    run_and_report(tiny_job(), StopsAfter(first, 1))
    (state,) = first.glob("state_*.pth")
    with pytest.raises(CheckpointError, match="another job"):
        run(tiny_job(seed=9), LocalContext(tmp_path / "second", resume_from=state))


def test_a_worker_starts_anew_from_a_state_that_an_upgrade_made_unusable(
    tmp_path: Path, tiny_job: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from frs_core.run import run_and_report
    from workers.child import main

    first, second = tmp_path / "first", tmp_path / "second"
    run_and_report(tiny_job(), StopsAfter(first, 1))
    [state] = first.glob("state_*.pth")
    monkeypatch.setattr(LocalContext, "catch_signals", lambda _: None)
    second.mkdir()
    (second / "job.yaml").write_text(yaml.safe_dump(tiny_job(seed=9).model_dump(mode="json")))
    assert main([str(second), "--resume-from", str(state)]) == 0

    assert "state_unusable" in [event.code for event in events(second) if event.type == "warning"]
    assert min(metrics(second)) == 1
