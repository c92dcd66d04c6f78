"""Charts of metrics: nothing that stands out is lost, however long the series."""

import random

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import CheckpointKind, MetricEvent
from service.db import ledger
from service.db.buckets import BUCKET_STEPS, Chart, read_charts
from service.db.metrics import write_points
from service.db.models import MetricBucket, MetricPoint
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
SPIKE_STEP, NUM_STEPS = 3333, 5000


@pytest.fixture
def lease(hand: Hand, submit: Submit) -> ledger.Lease:
    submit()
    return hand.take()


def _write(sessions: Sessions, job_id: str, values: dict[int, float | None]) -> None:
    with sessions.begin() as session:
        write_points(
            session,
            job_id,
            [
                MetricEvent(
                    time=1.0,
                    step=step,
                    values={"loss": value},
                    nonfinite={"loss": "nan"} if value is None else {},
                )
                for step, value in values.items()
            ],
        )


def _chart(sessions: Sessions, job_id: str, **query: int) -> Chart:
    with sessions() as session:
        [chart] = read_charts(session, job_id, **{"num_buckets": 10, **query})
        return chart


def _kept(sessions: Sessions) -> dict[int, tuple[float | None, float | None, int, int]]:
    with sessions() as session:
        return {
            row.bucket: (row.low, row.high, row.last_step, row.num_nonfinite)
            for row in session.scalars(select(MetricBucket))
        }


@pytest.mark.parametrize("num_buckets", [1, 7, 10, 600, 2000])
def test_a_spike_of_one_step_shows_in_a_chart_of_any_width(
    sessions: Sessions, lease: ledger.Lease, num_buckets: int
) -> None:
    values: dict[int, float | None] = dict.fromkeys(range(NUM_STEPS), 1.0)
    values[SPIKE_STEP], values[17] = 99.0, None
    _write(sessions, lease.job_id, values)
    chart = _chart(sessions, lease.job_id, num_buckets=num_buckets)
    assert len(chart.steps) <= num_buckets
    assert max(value for value in chart.high if value is not None) == 99.0
    assert sum(chart.num_nonfinite) == 1
    assert chart.steps[-1] == NUM_STEPS - 1
    assert chart.last[-1] == 1.0


def test_buckets_that_are_kept_agree_with_the_points(sessions: Sessions, lease: ledger.Lease) -> None:
    numbers = random.Random(5)
    steps = sorted(numbers.sample(range(4 * BUCKET_STEPS), 700))
    values: dict[int, float | None] = {step: numbers.gauss(0, 1) for step in steps}
    for start in range(0, 700, 90):  # as a run writes them: in batches, and one of them twice
        batch = {step: values[step] for step in steps[start : start + 90]}
        _write(sessions, lease.job_id, batch)
        _write(sessions, lease.job_id, batch)
    for bucket, (low, high, last_step, num_nonfinite) in _kept(sessions).items():
        inside = {step: value for step, value in values.items() if step // BUCKET_STEPS == bucket}
        assert (low, high) == (min(inside.values()), max(inside.values()))  # type: ignore[type-var]
        assert (last_step, num_nonfinite) == (max(inside), 0)
    assert len(_kept(sessions)) == 4


def test_a_zoom_shows_the_steps_asked_for_one_by_one(sessions: Sessions, lease: ledger.Lease) -> None:
    _write(sessions, lease.job_id, {step: float(step) for step in range(NUM_STEPS)})
    chart = _chart(sessions, lease.job_id, first_step=100, last_step=109)
    assert chart.width == 1
    assert chart.steps == tuple(range(100, 110))
    assert chart.low == chart.high == chart.last == tuple(map(float, range(100, 110)))


def test_a_range_without_points_has_no_chart(sessions: Sessions, lease: ledger.Lease) -> None:
    _write(sessions, lease.job_id, {3: 1.0})
    with sessions() as session:
        assert read_charts(session, lease.job_id, num_buckets=5, first_step=4) == []
        assert read_charts(session, lease.job_id, num_buckets=5, names=["other"]) == []


def test_a_restart_forgets_the_buckets_of_the_steps_that_it_does_again(
    sessions: Sessions, hand: Hand, lease: ledger.Lease
) -> None:
    _write(sessions, lease.job_id, {step: float(step) for step in range(0, 1000, 10)})
    hand.save(lease, CheckpointKind.STATE, 300)
    hand.fail(lease, retry=True)
    hand.skip_delay(lease.job_id)
    assert hand.take().job_id == lease.job_id
    assert _kept(sessions) == {0: (0.0, 250.0, 250, 0), 1: (260.0, 300.0, 300, 0)}


def test_without_what_is_kept_a_long_chart_would_be_empty(sessions: Sessions, lease: ledger.Lease) -> None:
    """So that the other tests are known to read what is kept."""
    _write(sessions, lease.job_id, dict.fromkeys(range(NUM_STEPS), 1.0))
    with sessions.begin() as session:
        session.execute(delete(MetricBucket))
    assert _chart(sessions, lease.job_id).steps == ()
    with sessions() as session:
        assert session.scalar(select(MetricPoint.step).limit(1)) is not None
