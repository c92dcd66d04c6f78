"""What webhooks say, and what nobody makes them say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from service.webhooks.payloads import Happening, json_body, plain, slack_body

EXPERIMENT: dict[str, Any] = {
    "id": "e" * 16,
    "name": "blood",
    "url": "https://frs.example/experiments/e",
    "state": "failed",
    "job_states": {"failed": 1, "succeeded": 6},
    "baseline": "none",
    "verdict": "frs +1.2 AP over none (± 0.3 over 3 seeds).",
    "best": {"label": "frs", "ap": 0.4012, "delta_ap": 0.0121, "n": 3, "is_clear": True},
}
JOB: dict[str, Any] = {
    "id": "j" * 16,
    "name": "frs seed 0",
    "state": "failed",
    "reason": "out of memory",
    "results": {"val": {"ap": 0.4}},
    "url": "https://frs.example/jobs/j",
}


def happening(event: str, **data: Any) -> Happening:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    return Happening(event_id="abc", event=event, moment=moment, data=data)


def text(found: Happening) -> str:
    document = json.loads(slack_body(found))
    assert document.keys() == {"text"}
    return str(document["text"])


def test_a_finished_experiment_is_told_with_verdict_ap_difference_and_link() -> None:
    assert text(happening("experiment.finished", experiment=EXPERIMENT)) == (
        "<https://frs.example/experiments/e|blood> has finished (1 failed, 6 succeeded). "
        "frs +1.2 AP over none (± 0.3 over 3 seeds). Best: frs with 40.1 AP, +1.2 over none, 3 seeds."
    )


def test_without_a_result_nothing_is_claimed() -> None:
    without = {**EXPERIMENT, "verdict": "", "best": None, "baseline": None}
    assert text(happening("experiment.finished", experiment=without)).endswith("(1 failed, 6 succeeded).")
    one = {**EXPERIMENT, "best": {**EXPERIMENT["best"], "delta_ap": None, "n": 1}}
    assert text(happening("experiment.finished", experiment=one)).endswith("Best: frs with 40.1 AP, 1 seed.")


def test_a_job_is_told_with_its_reason_and_only_a_success_with_its_ap() -> None:
    experiment = {"name": "blood", "url": "https://frs.example/experiments/e"}
    assert text(happening("job.failed", job=JOB, experiment=experiment)) == (
        "<https://frs.example/jobs/j|frs seed 0> of <https://frs.example/experiments/e|blood> "
        "has *failed*: out of memory"
    )
    done = {**JOB, "state": "succeeded", "reason": None}
    assert text(happening("job.succeeded", job=done, experiment=None)).endswith(
        "has succeeded, 40.0 AP on val"
    )


@pytest.mark.parametrize("hostile", ["<!channel>", "<!here|x>", "<@U123>", "<https://evil.example|login>"])
def test_no_name_or_reason_becomes_markup(hostile: str) -> None:
    job = {**JOB, "name": hostile, "reason": hostile}
    found = text(happening("job.failed", job=job, experiment=None))
    assert hostile not in found
    assert found.count("<") == 1
    assert "&lt;" in found
    assert found.split("|", 1)[1].split(">", 1)[0].count("|") == 0


def test_no_mention_of_a_compatible_server_and_no_second_line_survives() -> None:
    assert "@all" not in plain("hey @all @Channel @everyone")
    assert plain("one\ntwo\r\n  three") == "one two three"
    assert plain("ada@allen.example") == "ada@allen.example"
    assert len(text(happening("job.failed", job={**JOB, "reason": "x" * 10_000}, experiment=None))) < 700


def test_the_form_for_programs_is_versioned_and_unrounded() -> None:
    found = json.loads(json_body(happening("experiment.finished", experiment=EXPERIMENT)))
    assert found == {
        "type": "experiment.finished",
        "version": 1,
        "id": "abc",
        "timestamp": "2026-01-02T00:00:00+00:00",
        "data": {"experiment": EXPERIMENT},
    }
