"""Runs to compare, made by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from frs_core.events import COCO_METRICS
from service.comparison import RunRecord

MakeRun = Callable[..., RunRecord]


@pytest.fixture
def make_run() -> MakeRun:
    def make(label: str, seed: int, ap: float | None, **changes: Any) -> RunRecord:
        is_teacher = label == "teacher"
        finished = {
            "metrics": dict.fromkeys(COCO_METRICS, ap),
            "step": 100,
            "dataset_hash": "d" * 64,
            "evaluator": "faster-coco-eval 1.8.0",
            "num_images": 72,
        }
        values = {
            "job_id": f"{label}-{seed}",
            "label": label,
            "method": None if is_teacher else label,
            "role": "teacher" if is_teacher else "student",
            "seed": seed,
            "state": "succeeded",
            "split": "test",
            "input_size": (320, 240),
            "schedule_hash": "teacher's" if is_teacher else "students'",
            "detector_hash": "large" if is_teacher else "small",
            "teacher_hash": None if is_teacher else "t" * 64,
            **(finished if ap is not None else {}),
        }
        return RunRecord(**{**values, **changes})

    return make


@pytest.fixture
def runs(make_run: MakeRun) -> list[RunRecord]:
    """A teacher, three seeds of none, two of frs."""
    return [
        make_run("teacher", 0, 0.40),
        make_run("none", 0, 0.30),
        make_run("frs", 0, 0.34),
        make_run("none", 1, 0.32),
        make_run("frs", 1, 0.35),
        make_run("none", 2, 0.34),
    ]
