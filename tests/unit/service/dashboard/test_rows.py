"""What a row says of jobs: the parts of its bar, and when the last job will end."""

import itertools
from datetime import timedelta

import pytest

from service.dashboard.rows import STRIP_WIDTH, eta_seconds, segments
from service.db.states import JobState
from service.db.types import utc_now
from service.db.work import JobTime


def job(
    state: JobState, *, role: str = "student", eta: float | None = None, took: float | None = None
) -> JobTime:
    begun = utc_now()
    ended = None if took is None else begun + timedelta(seconds=took)
    return JobTime(role=role, state=state, eta_seconds=eta, started_at=begun, finished_at=ended)


QUEUED, WAITING = job(JobState.QUEUED), job(JobState.WAITING)


@pytest.mark.parametrize(
    ("jobs", "seconds"),
    [
        ([], None),
        ([QUEUED, job(JobState.SUCCEEDED, took=10)], None),
        ([job(JobState.RUNNING)], None),
        ([job(JobState.RUNNING, eta=30), job(JobState.RUNNING, eta=50)], 50),
        ([job(JobState.RUNNING, eta=30), QUEUED], None),
        ([job(JobState.RUNNING, eta=30), QUEUED, job(JobState.SUCCEEDED, took=100)], 130),
        ([*[job(JobState.RUNNING, eta=30)] * 2, QUEUED, WAITING, job(JobState.SUCCEEDED, took=100)], 130),
        ([job(JobState.RUNNING, eta=500), job(JobState.RUNNING, eta=0), QUEUED,
          job(JobState.SUCCEEDED, took=100)], 500),
        ([job(JobState.RUNNING, eta=30), QUEUED, job(JobState.SUCCEEDED, took=100),
          job(JobState.SUCCEEDED, role="teacher", took=900)], 130),
        ([job(JobState.RUNNING, eta=30), QUEUED, job(JobState.FAILED, took=1)], None),
    ],
)  # fmt: skip
def test_the_end_is_told_only_where_enough_is_known(jobs: list[JobTime], seconds: float | None) -> None:
    assert eta_seconds(jobs) == seconds


def test_every_state_is_seen_in_the_bar_and_the_bar_keeps_its_length() -> None:
    parts = segments([("succeeded", 10_000), ("running", 1), ("failed", 1)])
    assert min(part.width for part in parts) >= 3
    assert parts[-1].x + parts[-1].width == pytest.approx(STRIP_WIDTH, abs=0.2)
    for one, other in itertools.pairwise(parts):
        assert one.x + one.width < other.x
    assert segments([]) == []
