"""A job in one of the processes that torchrun started: what it may say, and for how many it is."""

from pathlib import Path
from typing import Any

import pytest

from frs_core.context import local_context
from frs_core.errors import SpecError
from frs_core.events import ResultEvent, event_adapter
from frs_core.processes import as_launched, needs_launch
from frs_core.spec import JobSpec


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    """This is the second process of two."""
    for name, value in {"TORCHELASTIC_RUN_ID": "1", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)


def job(**changes: Any) -> JobSpec:
    return JobSpec.model_validate(
        {
            "kind": "train",
            "name": "shared",
            "dataset": {"format": "voc", "root": "/nowhere"},
            "input_size": [96, 64],
            "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"},
            **changes,
        }
    )


def results(workdir: Path) -> list[ResultEvent]:
    path = workdir / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [event for event in map(event_adapter.validate_json, lines) if isinstance(event, ResultEvent)]


def test_training_for_several_processes_is_launched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert needs_launch(job(resources={"processes": 2}))
    assert not needs_launch(job())
    evaluation = job(kind="evaluate", checkpoint="/x.pth", resources={"processes": 2})
    assert not needs_launch(evaluation)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    assert not needs_launch(job(resources={"processes": 2}))


@pytest.mark.usefixtures("second")
def test_a_job_is_for_as_many_processes_as_torchrun_started() -> None:
    assert as_launched(job()).resources.processes == 2
    assert as_launched(job(resources={"processes": 2})).resources.processes == 2
    with pytest.raises(SpecError, match=r"resources.processes is 4, but torchrun started 2"):
        as_launched(job(resources={"processes": 4}))
    with pytest.raises(SpecError, match=r"schedule.batch_size: 2 processes cannot share a batch of 3"):
        as_launched(job(schedule={"batch_size": 3}))


@pytest.mark.usefixtures("second")
def test_of_what_a_follower_reports_only_its_failure_is_recorded(tmp_path: Path) -> None:
    context = local_context(tmp_path)
    assert not context.leads
    assert context.cache_dir == tmp_path / "teacher_cache"
    context.progress("training")
    context.result("succeeded")
    assert results(tmp_path) == []
    context.result("failed", code="crash", message="why")
    assert [result.message for result in results(tmp_path)] == ["why"]


@pytest.mark.torch
@pytest.mark.usefixtures("second")
@pytest.mark.parametrize("told_to_stop", [True, False])
def test_a_process_that_fails_after_another_leaves_the_reason_to_that_one(
    told_to_stop: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from frs_core import run

    monkeypatch.setattr(run, "_NOTICE_SECONDS", 0.1)
    context = local_context(tmp_path)
    if told_to_stop:
        context.request_stop()
    assert run.run_and_report(job(), context) == 1
    codes = [result.code for result in results(tmp_path)]
    assert codes == ([] if told_to_stop else ["invalid_dataset"])
