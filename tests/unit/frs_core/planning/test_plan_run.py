"""Real detectors tried for a few steps, and a real run that is out of memory."""

import gc
import json
from pathlib import Path
from typing import Any

import pytest

from frs_core.context import LocalContext
from frs_core.events import ArtifactEvent, ResultEvent, event_adapter
from frs_core.spec import ExperimentSpec, JobSpec, PlanSpec

pytestmark = pytest.mark.torch

DETECTOR = {
    "zoo": "retinanet/retinanet_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 8,
    "stacked_convs": 1,
}
DATASET = {
    "format": "synthetic",
    "options": {"train_images": 5, "val_images": 2, "width": 96, "height": 64},
}
SHARED = {"dataset": DATASET, "input_size": (96, 64), "schedule": {"epochs": 3, "batch_size": 2}}


def events(workdir: Path) -> list[Any]:
    return [event_adapter.validate_json(line) for line in (workdir / "events.jsonl").read_text().splitlines()]


@pytest.fixture
def plan_spec() -> PlanSpec:
    experiment = ExperimentSpec.model_validate(
        {
            "name": "planned",
            "teacher": {"detector": DETECTOR, "cache": {}},
            "student": {"detector": DETECTOR},
            "methods": ["none", "frs"],
            "seeds": [0, 1],
            **SHARED,
        }
    )
    return PlanSpec(name="plan", experiment=experiment, num_slots=2, timed_steps=1)


def test_every_row_is_measured_and_nothing_is_trained_or_evaluated(
    tmp_path: Path, plan_spec: PlanSpec
) -> None:
    from frs_core.run import run_and_report

    assert run_and_report(plan_spec, LocalContext(tmp_path)) == 0

    plan = json.loads((tmp_path / "plan.json").read_text())
    assert [(row["label"], row["jobs"], row["steps"]) for row in plan["rows"]] == [
        ("teacher", 1, 9),
        ("none", 2, 9),
        ("frs", 2, 9),
    ]
    assert all(row["seconds_per_step"] > 0 and row["memory_bytes"] > 10**8 for row in plan["rows"])
    assert plan["seconds"] > 0
    assert plan["disk_bytes"] > 10**6
    assert plan["device"]["name"] == "cpu"
    assert "teacher.cache takes up to 0.0" in plan["notes"][0]
    published = [event for event in events(tmp_path) if not isinstance(event, ResultEvent)]
    assert [event.name for event in published if isinstance(event, ArtifactEvent)] == ["plan.json"]
    assert {event.type for event in published} == {"progress", "environment", "artifact"}


def test_a_method_that_does_not_fit_is_planned_with_advice(
    tmp_path: Path, plan_spec: PlanSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from frs_core.run import run
    from frs_core.training.model import DistillingDetector

    step = DistillingDetector.train_step

    def short(self: Any, data: Any, optim_wrapper: Any) -> Any:
        if len(data[0]["inputs"]) > 1 and self.method is not None:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return step(self, data, optim_wrapper)

    monkeypatch.setattr(DistillingDetector, "train_step", short)
    only_frs = plan_spec.experiment.model_copy(update={"methods": plan_spec.experiment.methods[1:]})
    run(plan_spec.model_copy(update={"experiment": only_frs}), LocalContext(tmp_path))
    teacher, frs = json.loads((tmp_path / "plan.json").read_text())["rows"]
    assert [row["fits"] for row in (teacher, frs)] == [True, False]
    assert frs["seconds_per_step"] > 0  # in proportion to the batch that fitted
    assert "schedule.batch_size to 1 instead of 2" in frs["advice"][0]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", "Tried to allocate"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory", "allocate memory"),
        ("MemoryError: ", "MemoryError"),
    ],
)
def test_a_run_out_of_memory_ends_with_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, words: str
) -> None:
    import torch

    from frs_core.run import run_and_report
    from frs_core.training.model import DistillingDetector

    kind, _, message = error.partition(": ")
    kinds: dict[str, type[BaseException]] = {
        "OutOfMemoryError": torch.OutOfMemoryError,
        "RuntimeError": RuntimeError,
        "MemoryError": MemoryError,
    }

    def short(*_: Any, **__: Any) -> Any:
        raise kinds[kind](message)

    monkeypatch.setattr(DistillingDetector, "train_step", short)
    spec = JobSpec.model_validate({"kind": "train", "name": "large", "detector": DETECTOR, **SHARED})
    assert run_and_report(spec, LocalContext(tmp_path)) == 1
    last = events(tmp_path)[-1]
    assert (last.code, last.field, last.user_error) == ("out_of_memory", "schedule.batch_size", True)
    assert "schedule.batch_size 2 and input_size [96, 64]" in last.message
    assert "set schedule.batch_size to 1 instead of 2" in last.message
    assert words in last.message


def test_another_runtime_error_stays_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from frs_core.run import run_and_report
    from frs_core.training.model import DistillingDetector

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(DistillingDetector, "train_step", broken)
    spec = JobSpec.model_validate({"kind": "train", "name": "broken", "detector": DETECTOR, **SHARED})
    assert run_and_report(spec, LocalContext(tmp_path)) == 1
    assert (events(tmp_path)[-1].code, events(tmp_path)[-1].user_error) == ("crash", False)


def test_a_plan_that_is_asked_to_stop_stops(tmp_path: Path, plan_spec: PlanSpec) -> None:
    from frs_core.run import run_and_report

    context = LocalContext(tmp_path)
    context.request_stop()
    assert run_and_report(plan_spec, context) == 75


def test_the_peak_of_host_memory_is_counted_anew() -> None:
    from frs_core.planning.host_memory import available_bytes, peak_bytes, reset_peak

    gc.collect()  # lest what other tests left goes meanwhile
    reset_peak()
    before = peak_bytes()
    block = bytearray(b"x") * (64 * 2**20)
    assert peak_bytes() - before > 48 * 2**20
    assert available_bytes() > len(block)
