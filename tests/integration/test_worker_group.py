"""A job of two processes, seen through by a real supervisor that starts the real child."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import JobSpec
from service.db.models import Attempt, Checkpoint, MetricPoint, MetricSeries
from service.db.states import AttemptState, JobState
from service.jobs.submit import submit_job
from tests.fixtures.workplaces import ClaimNext
from workers.process import CHILD_COMMAND
from workers.supervisor import supervise
from workers.workplace import Workplace

pytestmark = pytest.mark.torch

Sessions = sessionmaker[Session]
NUM_STEPS = 60


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The ledger has tests of its own."""
    return sqlite_url


@pytest.fixture
def place(workplace: Workplace) -> Workplace:
    """A place whose jobs are run by the real child, with time to save."""
    settings = workplace.settings.model_copy(update={"grace_seconds": 60.0})
    return replace(workplace, settings=settings, child_command=CHILD_COMMAND, num_threads=2)


def submit_shared(sessions: Sessions) -> str:
    """A job of 60 steps of a tiny detector."""
    shape: dict[str, Any] = {"backbone_depth": 18, "base_channels": 4, "fpn_channels": 8, "stacked_convs": 1}
    job = JobSpec.model_validate(
        {
            "kind": "train",
            "name": "shared",
            "dataset": {
                "format": "synthetic",
                "options": {"train_images": 5, "val_images": 1, "width": 96, "height": 64},
            },
            "input_size": [96, 64],
            "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", **shape},
            "schedule": {
                "epochs": NUM_STEPS // 3,
                "batch_size": 2,
                "evaluate_every_epochs": 100,
                "checkpoint_every_epochs": 100,
            },
            "resources": {"processes": 2},
        }
    )
    with sessions.begin() as session:
        return submit_job(session, job, max_attempts=1).id


def steps(sessions: Sessions, job_id: str) -> list[int]:
    """Those for which there is a metric, as often as there is one of `train/loss`."""
    points = select(MetricPoint.step).join(MetricSeries, MetricSeries.id == MetricPoint.series_id)
    with sessions() as session:
        found = points.where(MetricSeries.job_id == job_id, MetricSeries.name == "train/loss")
        return list(session.scalars(found.order_by(MetricPoint.step)))


def stop_and_resume(place: Workplace, sessions: Sessions, claim_next: ClaimNext) -> str:
    job_id = submit_shared(sessions)
    stopped = replace(place, draining=lambda: bool(steps(sessions, job_id)))
    assert supervise(stopped, claim_next()) is JobState.QUEUED
    assert supervise(place, claim_next()) is JobState.SUCCEEDED
    return job_id


def weights_of(sessions: Sessions, job_id: str) -> str:
    with sessions() as session:
        found = select(Checkpoint.sha256).where(Checkpoint.job_id == job_id, Checkpoint.kind == "weights")
        return session.scalars(found).one()


@pytest.mark.slow
def test_a_job_of_two_processes_that_was_stopped_ends_as_one_that_was_not(
    place: Workplace, sessions: Sessions, claim_next: ClaimNext
) -> None:
    whole = submit_shared(sessions)
    assert supervise(place, claim_next()) is JobState.SUCCEEDED
    stopped = stop_and_resume(place, sessions, claim_next)
    with sessions() as session:
        found = select(Attempt).where(Attempt.job_id == stopped).order_by(Attempt.token)
        first, second = session.scalars(found)
    assert (first.state, first.exit_code) == (AttemptState.RELEASED, 75)
    assert (second.state, second.exit_code) == (AttemptState.SUCCEEDED, 0)
    assert 0 < (second.resumed_from_step or 0) < NUM_STEPS
    assert second.environment is not None
    assert (second.environment["processes"], second.environment["threads"]) == (2, 1)
    assert steps(sessions, stopped) == list(range(1, NUM_STEPS + 1))
    assert weights_of(sessions, stopped) == weights_of(sessions, whole)
