"""Where the server does not see the data, a worker looks at them before anything is trained."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from frs_core.context import LocalContext
from frs_core.datasets.check import check
from frs_core.errors import DatasetError, SpecError
from frs_core.events import CheckpointKind, DatasetEvent
from frs_core.preflight import preflight
from frs_core.spec import DatasetSpec, PreflightSpec
from service.comparison.load import comparison_of
from service.db import ledger
from service.db.experiments import delete_experiment
from service.db.models import Experiment
from service.db.queries import get_experiment
from service.jobs.submit import submit_experiment
from service.records.read import record_of
from service.settings import Settings
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import MakeSpec

Sessions = sessionmaker[Session]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"datasets_visible": False})


@pytest.fixture
def body(experiment_body: dict[str, Any], voc_copy: Path) -> dict[str, Any]:
    dataset = {"format": "voc", "root": str(voc_copy), "train": "train", "val": "val"}
    return {**experiment_body, "dataset": dataset}


def _look(sessions: Sessions, hand: Hand, dataset: DatasetSpec) -> None:
    """Do as a worker that looks at the data."""
    lease = hand.take()
    with sessions.begin() as session:
        ledger.record(session, lease, [DatasetEvent(time=1.0, report=check(dataset))])
    hand.finish(lease)


def test_the_teacher_waits_for_a_look_at_the_data(api: Any, body: dict[str, Any], hand: Hand) -> None:
    made = api.post("/api/v1/experiments", json=body).json()
    assert [(job["role"], job["state"]) for job in made["jobs"]] == [
        ("preflight", "queued"),
        ("teacher", "waiting"),
        ("student", "waiting"),
        ("student", "waiting"),
    ]
    assert made["dataset_report"] is None
    hand.fail(hand.take())
    states = [job["state"] for job in api.get(f"/api/v1/experiments/{made['id']}").json()["jobs"]]
    assert states == ["failed", "blocked", "blocked", "blocked"]
    resumed = api.post(f"/api/v1/experiments/{made['id']}/resume").json()
    assert [job["state"] for job in resumed["jobs"]] == ["queued", "waiting", "waiting", "waiting"]


def test_generated_data_need_no_look(api: Any, experiment_body: dict[str, Any]) -> None:
    made = api.post("/api/v1/experiments", json=experiment_body).json()
    assert [job["role"] for job in made["jobs"]] == ["teacher", "student", "student"]


def test_what_the_worker_saw_is_the_experiments_and_lets_results_be_reused(
    sessions: Sessions, hand: Hand, make_spec: MakeSpec
) -> None:
    searched = {"name": "frs", "reuse": True, "search": {"parameter": "weight", "values": [1, 2]}}
    spec = make_spec(methods=["none", searched])

    def submit() -> str:
        with sessions.begin() as session:
            return submit_experiment(session, spec, dataset_report=None, preflight=True).id

    submit()
    _look(sessions, hand, spec.dataset)
    while (claim := hand.claim()) is not None:
        hand.save(claim.lease, CheckpointKind.WEIGHTS, 1, uri=f"file:jobs/{claim.lease.job_id}/weights")
        hand.finish(claim.lease)
    second = submit()
    assert [job.state.value for job in hand.jobs(second)] == ["queued"] + ["waiting"] * 5
    _look(sessions, hand, spec.dataset)
    # the search found no AP, so its student is blocked; all that was run before is there
    assert [job.state.value for job in hand.jobs(second)] == ["succeeded"] * 5 + ["blocked"]
    with sessions() as session:
        report = session.get_one(Experiment, second).dataset_report
    assert report == check(spec.dataset).model_dump(mode="json")


def test_a_look_at_the_data_is_no_row_of_a_comparison_nor_of_a_record(
    sessions: Sessions, hand: Hand, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    with sessions.begin() as session:
        made = submit_experiment(session, spec, dataset_report=None, preflight=True).id
    _look(sessions, hand, spec.dataset)
    hand.fail(hand.take())
    with sessions() as session:
        assert [row.label for row in comparison_of(session, made).rows] == ["teacher", "none", "frs"]
        assert [job.role for job in record_of(session, get_experiment(session, made)).jobs] == [
            "teacher",
            "student",
            "student",
        ]
    with sessions.begin() as session:
        assert delete_experiment(session, made) == []


def _spec(root: Path, **changes: Any) -> PreflightSpec:
    dataset = {"format": "voc", "root": str(root), "train": "train", "val": "val"}
    return PreflightSpec.model_validate({"name": "preflight", "dataset": dataset, **changes})


def test_a_look_reports_what_the_data_hold(voc_copy: Path, tmp_path: Path) -> None:
    context = LocalContext(tmp_path)
    spec = _spec(voc_copy)
    preflight(spec, context)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    [told] = [event["report"] for event in events if event["type"] == "dataset"]
    assert told == check(spec.dataset).model_dump(mode="json")


def test_a_look_refuses_data_that_nobody_could_train_on(voc_copy: Path, tmp_path: Path) -> None:
    context = LocalContext(tmp_path)
    with pytest.raises(SpecError, match="the train split has 2 images") as too_few:
        preflight(_spec(voc_copy, min_train_images=3), context)
    assert too_few.value.field == "schedule.batch_size"
    with pytest.raises(DatasetError) as missing:
        preflight(_spec(tmp_path / "nowhere"), context)
    assert missing.value.field == "dataset.root"
