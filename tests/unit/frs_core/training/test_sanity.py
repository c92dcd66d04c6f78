"""A training that goes wrong says so, and says where."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from frs_core.context import LocalContext
from frs_core.events import MetricEvent, WarningEvent, event_adapter

pytestmark = pytest.mark.torch


def events(workdir: Path) -> list[Any]:
    lines = (workdir / "events.jsonl").read_text().splitlines()
    return [event_adapter.validate_json(line) for line in lines]


def test_a_loss_out_of_bounds_names_term_level_step_and_images(
    tmp_path: Path, tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    from frs_core.run import run_and_report

    options = {"feature_weight": 1000.0, "warmup_steps": 0}
    schedule = {"epochs": 20, "batch_size": 2, "warmup_steps": 0, "clip_grad_norm": None,
                "optimizer": {"name": "sgd", "lr": 100.0}, "evaluate_every_epochs": 20}  # fmt: skip
    spec = tiny_job(
        "distill",
        method={"name": "frs", "options": options},
        teacher=teacher_of("retinanet"),
        schedule=schedule,
    )

    assert run_and_report(spec, LocalContext(tmp_path / "run")) == 1

    last = events(tmp_path / "run")[-1]
    assert (last.outcome, last.code, last.user_error) == ("failed", "nonfinite_loss", True)
    assert "at step" in last.message
    assert "level_" in last.message
    batch = json.loads((tmp_path / "run" / "nonfinite_batch.json").read_text())
    assert batch["step"] > 0
    assert batch["image_ids"]


def test_diagnostics_are_metrics_and_no_part_of_the_loss(
    tmp_path: Path, tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    from frs_core.run import run

    spec = tiny_job("distill", method={"name": "frs"}, teacher=teacher_of("retinanet"))
    run(spec, LocalContext(tmp_path / "run"))

    values: dict[str, float] = {}
    for event in events(tmp_path / "run"):
        if isinstance(event, MetricEvent) and event.step == 3:
            values.update({name: value for name, value in event.values.items() if value is not None})
    assert 0 < values["train/frs/mean_score/level_0"] < 1
    terms = [value for name, value in values.items() if name.startswith("train/loss/")]
    assert len(terms) == 4
    assert values["train/loss"] == pytest.approx(sum(terms))


def test_a_term_that_stays_dominant_after_its_warm_up_is_a_warning(tmp_path: Path) -> None:
    from frs_core.training.hooks import DominanceHook

    hook = DominanceHook(LocalContext(tmp_path), warmup_steps=10)

    def step(number: int, term: float) -> None:
        outputs = {"cls": 1.0, "frs_feature": term, "plain_loss": 1.0, "loss": 1.0 + term}
        hook.after_train_iter(SimpleNamespace(iter=number), number - 1, outputs=outputs)

    for number in range(1, 60):
        step(number, 6.0)
    assert not (tmp_path / "events.jsonl").exists()
    for number in range(60, 200):
        step(number, 6.0)
    for number in range(200, 300):  # it falls and rises again, and is told once
        step(number, 1.0 if number == 200 else 6.0)
    [warning] = events(tmp_path)
    assert isinstance(warning, WarningEvent)
    assert warning.details == {"term": "frs_feature", "step": 60}
