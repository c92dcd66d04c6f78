"""A run that is stopped from outside: by its user, its worker, another attempt, a database that is away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger
from service.db.models import Attempt, Checkpoint, Job
from service.db.states import AttemptState, DesiredState, JobState
from service.settings import Settings
from tests.fixtures.witnesses import Witness
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from tests.miniature.optimisation import quiet_run
from tests.processes import is_running
from tests.waiting import wait_until
from workers.supervisor import supervise
from workers.workplace import Workplace

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test is about both: an attempt costs a second, and the ledger has tests of its own."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


def set_desired(sessions: Sessions, job_id: str, state: DesiredState) -> None:
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == job_id).values(desired_state=state))


@contextmanager
def in_background(place: Workplace, claim: ledger.Claim) -> Iterator[list[JobState | None]]:
    """Supervise in a thread; the list holds the outcome once the block is left."""
    outcome: list[JobState | None] = []
    thread = threading.Thread(target=lambda: outcome.append(supervise(place, claim)))
    thread.start()
    try:
        yield outcome
    finally:
        thread.join(30)
    assert not thread.is_alive(), "the supervisor hangs"


@pytest.mark.parametrize(
    ("desired", "state", "outcome"),
    [
        (DesiredState.CANCEL, JobState.CANCELLED, AttemptState.CANCELLED),
        (DesiredState.PAUSE, JobState.PAUSED, AttemptState.RELEASED),
    ],
)
def test_a_job_stops_with_its_state_saved_when_the_user_wants(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    desired: DesiredState,
    state: JobState,
    outcome: AttemptState,
) -> None:
    job_id = submit_miniature(steps=15, hold_at=12)
    with in_background(workplace, claim_next()) as ended:
        pid = witness.wait_for_held_child(job_id)
        set_desired(sessions, job_id, desired)
    assert ended == [state]
    assert witness.attempts(job_id)[0].state is outcome
    assert witness.attempts(job_id)[0].exit_code == 75
    assert not is_running(pid)
    with sessions() as session:
        newest = select(Checkpoint.step).where(Checkpoint.kind == "state").order_by(Checkpoint.step.desc())
        saved_at = session.scalars(newest).first()
    assert saved_at == witness.losses()[-1][0]


def test_a_child_that_does_not_listen_is_killed_after_the_grace(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=15, hold_at=12, fault="deaf")
    with in_background(workplace, claim_next()) as ended:
        pid = witness.wait_for_held_child(job_id)
        set_desired(sessions, job_id, DesiredState.CANCEL)
    assert ended == [JobState.CANCELLED]
    assert witness.attempts(job_id)[0].signal == 9
    assert not is_running(pid)


def test_a_draining_worker_hands_its_job_back_without_using_up_an_attempt(
    workplace: Workplace,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12, max_attempts=1)
    draining = threading.Event()
    place = replace(workplace, draining=draining.is_set)
    with in_background(place, claim_next()) as ended:
        wait_until(lambda: len(witness.losses()) == 12)
        draining.set()
    assert ended == [JobState.QUEUED]
    assert witness.job(job_id).not_before is None
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    assert witness.losses() == quiet_run(23).losses
    assert witness.final_weights(job_id) == quiet_run(23).weights


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_stale_attempt_stops_its_child_and_changes_nothing(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=15, hold_at=12)
    with in_background(workplace, claim_next()) as ended:
        pid = witness.wait_for_held_child(job_id)
        with sessions.begin() as session:
            # As the reaper finds it when a worker could not report for too long.
            session.execute(update(Attempt).values(lease_expires_at=Attempt.started_at))
            assert ledger.expire_leases(session, backoff_seconds=0) == [job_id]
        second = claim_next()
        before = witness.losses()
    assert ended == [None]
    assert not is_running(pid)
    assert witness.losses() == before
    assert [attempt.state for attempt in witness.attempts(job_id)] == [
        AttemptState.LOST,
        AttemptState.RUNNING,
    ]
    assert witness.job(job_id).token == second.lease.token


class UnreliableSessions:
    """Sessions on a database that can be made unreachable."""

    def __init__(self, sessions: Sessions) -> None:
        self.away = threading.Event()
        self._sessions = sessions

    def begin(self) -> object:
        if self.away.is_set():
            raise OperationalError("SELECT 1", {}, ConnectionError("server closed the connection"))
        return self._sessions.begin()


def test_what_a_run_reports_while_the_database_is_away_comes_after(
    workplace: Workplace,
    quick_settings: Settings,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    unreliable = UnreliableSessions(sessions)
    job_id = submit_miniature(steps=23, hold_at=12)
    place = replace(workplace, sessions=unreliable)  # type: ignore[arg-type]
    with in_background(place, claim_next()) as ended:
        pid = witness.wait_for_held_child(job_id)
        unreliable.away.set()
        (quick_settings.work_dir / f"{job_id}-1" / "go").touch()
        wait_until(lambda: not is_running(pid))
        assert len(witness.losses()) == 12
        unreliable.away.clear()
    assert ended == [JobState.SUCCEEDED]
    assert witness.losses() == quiet_run(23).losses


def test_a_child_is_stopped_when_the_database_stays_away_for_longer_than_the_lease(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    unreliable = UnreliableSessions(sessions)
    job_id = submit_miniature(steps=15, hold_at=12)
    place = replace(workplace, sessions=unreliable)  # type: ignore[arg-type]
    with in_background(place, claim_next()) as ended:
        pid = witness.wait_for_child(job_id)
        unreliable.away.set()
    assert ended == [None]
    assert not is_running(pid)
