"""A run that was stopped anywhere ends as one that never was: same weights, same metrics."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from frs_core.context import LocalContext
from frs_core.events import CheckpointEvent, EvaluationEvent, Event, MetricEvent, event_adapter

pytestmark = pytest.mark.torch


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
    series: dict[int, dict[str, float | None]] = {}
    for workdir in workdirs:
        for event in events(workdir):
            if isinstance(event, MetricEvent):
                series.setdefault(event.step, {}).update(event.values)
    return series


@pytest.mark.parametrize(
    ("family", "method", "stops"),
    [("retinanet", "none", (1, 3)), ("retinanet", "frs", (2, 4)), ("faster_rcnn", "frs", (4,))],
)
def test_a_stopped_run_continues_as_if_nothing_had_happened(
    family: str,
    method: str,
    stops: tuple[int, ...],
    tmp_path: Path,
    tiny_job: Callable[..., Any],
    teacher_of: Callable[[str], dict[str, Any]],
) -> None:
    from frs_core.run import STOPPED_EXIT_CODE, run_and_report

    torch.use_deterministic_algorithms(True, warn_only=True)
    spec = tiny_job("distill", family, method={"name": method}, teacher=teacher_of(family))
    whole = tmp_path / "whole"
    assert run_and_report(spec, LocalContext(whole)) == 0

    for stop in stops:
        first, second = tmp_path / f"first_{stop}", tmp_path / f"second_{stop}"
        assert run_and_report(spec, StopsAfter(first, stop)) == STOPPED_EXIT_CODE
        (state,) = [
            event
            for event in events(first)
            if isinstance(event, CheckpointEvent) and event.kind == "state" and event.step == stop
        ]
        assert run_and_report(spec, LocalContext(second, resume_from=first / state.path)) == 0

        assert weights(second) == weights(whole)
        assert metrics(first, second) == metrics(whole)
        assert [event.metrics for event in events(second) if isinstance(event, EvaluationEvent)][-1] == [
            event.metrics for event in events(whole) if isinstance(event, EvaluationEvent)
        ][-1]


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
    import yaml

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
