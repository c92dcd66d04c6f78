"""The ledger's verbs in random order, on both databases, against a small model of what jobs may become."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import CheckpointKind
from service.db import ledger
from service.db.models import Attempt, Experiment, Job, Worker
from service.db.states import AttemptState, DesiredState, JobState
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

MAX_ATTEMPTS = 2
STUDENTS = ("one", "other")
WHO = st.sampled_from(("teacher", "teacher", *STUDENTS))
ENDED = ("succeeded", "failed", "cancelled")
HOPELESS = ("failed", "cancelled", "blocked")


class Model:
    """What each of a teacher and its two students should be, in plain words and without a database."""

    def __init__(self) -> None:
        self.state = {"teacher": "queued", **dict.fromkeys(STUDENTS, "waiting")}
        self.desired = dict.fromkeys(self.state, "run")
        self.failures = dict.fromkeys(self.state, 0)
        self.tokens = dict.fromkeys(self.state, 0)

    def claim(self, who: str) -> None:
        self.tokens[who] += 1
        self.state[who] = "running"

    def succeed(self, who: str) -> None:
        self._become(who, "succeeded")

    def fail(self, who: str, *, retry: bool, released: bool = False, advanced: bool = False) -> None:
        if not released:
            self.failures[who] = 1 if advanced and retry else self.failures[who] + 1
        if self.desired[who] == "cancel":
            self._become(who, "cancelled")
        elif self.desired[who] == "pause" and retry:
            self._become(who, "paused")
        elif retry and (released or self.failures[who] < MAX_ATTEMPTS):
            self._become(who, "queued")
        else:
            self._become(who, "failed")

    def cancel(self, who: str) -> None:
        if self.state[who] not in ENDED:
            self.desired[who] = "cancel"
            if self.state[who] != "running":
                self._become(who, "cancelled")

    def pause(self, who: str) -> None:
        if self.state[who] in ("waiting", "queued"):
            self.desired[who] = "pause"
            self._become(who, "paused")
        elif self.state[who] == "running" and self.desired[who] == "run":
            self.desired[who] = "pause"

    def resume(self, who: str) -> bool:
        """False where that must be refused."""
        if self.state[who] == "succeeded":
            return True
        if self.desired[who] == "cancel" or self.state[who] == "blocked":
            return False
        self.desired[who] = "run"
        if self.state[who] in ("paused", "failed"):
            if self.state[who] == "failed":
                self.failures[who] = 0
            teacher = "succeeded" if who == "teacher" else self.state["teacher"]
            places = {"succeeded": "queued", **dict.fromkeys(HOPELESS, "blocked")}
            self._become(who, places.get(teacher, "waiting"))
        return True

    def _become(self, who: str, state: str) -> None:
        before, self.state[who] = self.state[who], state
        if who != "teacher":
            return
        for student in STUDENTS:
            if self.state[student] == "waiting" and state in ("succeeded", *HOPELESS):
                self.state[student] = "queued" if state == "succeeded" else "blocked"
            elif self.state[student] == "blocked" and before in HOPELESS:
                self.state[student] = "waiting"


class LedgerMachine(RuleBasedStateMachine):
    """Walks. `sessions` and `submit` come from the test."""

    sessions: sessionmaker[Session]
    submit: Submit

    def __init__(self) -> None:
        super().__init__()
        with self.sessions.begin() as session:
            session.execute(delete(Experiment))
            session.execute(delete(Worker))
            worker = ledger.register_worker(session, host="here", pid=1, version="0", devices={})
        self.hand = Hand(self.sessions, worker)
        experiment_id = self.submit(methods=["none", "frs"], max_attempts=MAX_ATTEMPTS)
        jobs = self.hand.jobs(experiment_id)
        self.ids = dict(zip(("teacher", *STUDENTS), (job.id for job in jobs), strict=True))
        self.names = {job_id: who for who, job_id in self.ids.items()}
        self.model = Model()
        self.held: dict[str, ledger.Lease] = {}
        self.stale: list[ledger.Lease] = []
        self.step = 0

    @rule()
    @precondition(lambda self: "queued" in self.model.state.values() or not self.held)
    def claim(self) -> None:
        claim = self.hand.claim()
        queued = [who for who, state in self.model.state.items() if state == "queued"]
        if claim is None:
            assert queued == []
            return
        who = self.names[claim.lease.job_id]
        assert who in queued
        self.model.claim(who)
        self.held[who] = claim.lease

    @rule(who=WHO)
    @precondition(lambda self: self.held)
    def succeed(self, who: str) -> None:
        self._end(who, self.hand.finish, self.model.succeed)

    @rule(who=WHO, retry=st.booleans())
    @precondition(lambda self: self.held)
    def fail(self, who: str, retry: bool) -> None:
        self._end(
            who, lambda lease: self._fail(lease, retry), lambda name: self.model.fail(name, retry=retry)
        )

    @rule(who=WHO)
    @precondition(lambda self: self.held)
    def save_and_fail(self, who: str) -> None:
        def save_and_fail(lease: ledger.Lease) -> None:
            self.step += 1
            self.hand.save(lease, CheckpointKind.STATE, self.step, uri=f"file:{lease.job_id}-{self.step}")
            self._fail(lease, True)

        self._end(who, save_and_fail, lambda name: self.model.fail(name, retry=True, advanced=True))

    @rule(who=WHO)
    @precondition(lambda self: self.held)
    def release(self, who: str) -> None:
        def release(lease: ledger.Lease) -> None:
            self.hand.finish(lease, state=AttemptState.RELEASED, retry=True)

        self._end(who, release, lambda name: self.model.fail(name, retry=True, released=True))

    @rule(who=WHO)
    @precondition(lambda self: self.held)
    def lose_the_lease(self, who: str) -> None:
        def expire(lease: ledger.Lease) -> None:
            self.hand.let_expire(lease)
            assert self.hand.reap() == [lease.job_id]
            self.hand.skip_delay(lease.job_id)

        self._end(who, expire, lambda name: self.model.fail(name, retry=True))

    @rule(who=WHO)
    @precondition(lambda self: self.held)
    def die(self, who: str) -> None:
        def abandon(lease: ledger.Lease) -> None:
            with self.sessions.begin() as session:
                assert ledger.abandon(session, lease.job_id, lease.token, backoff_seconds=0)
            self.hand.skip_delay(lease.job_id)

        self._end(who, abandon, lambda name: self.model.fail(name, retry=True))

    @rule(data=st.data())
    @precondition(lambda self: self.stale)
    def write_without_a_lease(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.stale))
        with pytest.raises(ledger.StaleLeaseError):
            self.hand.finish(lease)
        with pytest.raises(ledger.StaleLeaseError):
            self.hand.save(lease, CheckpointKind.WEIGHTS, 99)
        with self.sessions.begin() as session:
            assert not ledger.abandon(session, lease.job_id, lease.token, backoff_seconds=0)

    @rule(who=WHO)
    def cancel(self, who: str) -> None:
        with self.sessions.begin() as session:
            ledger.request_cancel(session, self.ids[who])
        self.model.cancel(who)

    @rule(who=WHO)
    def pause(self, who: str) -> None:
        with self.sessions.begin() as session:
            ledger.request_pause(session, self.ids[who])
        self.model.pause(who)

    @rule(who=WHO)
    def resume(self, who: str) -> None:
        try:
            with self.sessions.begin() as session:
                ledger.request_resume(session, self.ids[who])
            accepted = True
        except ledger.ControlError:
            accepted = False
        assert accepted is self.model.resume(who)

    @rule(who=WHO, priority=st.integers(-5, 5))
    def prioritise(self, who: str, priority: int) -> None:
        with self.sessions.begin() as session:
            ledger.set_priority(session, self.ids[who], priority)

    @invariant()
    def jobs_are_what_the_model_says(self) -> None:
        with self.sessions() as session:
            jobs = {self.names[job.id]: job for job in session.scalars(select(Job))}
            running = session.scalars(select(Attempt).where(Attempt.state == AttemptState.RUNNING)).all()
        assert {who: job.state.value for who, job in jobs.items()} == self.model.state
        assert {who: job.token for who, job in jobs.items()} == self.model.tokens
        assert {self.names[each.job_id]: each.token for each in running} == {
            who: lease.token for who, lease in self.held.items()
        }
        for job in jobs.values():
            assert (job.state is JobState.PAUSED) <= (job.desired_state is DesiredState.PAUSE)

    def _end(self, who: str, verb: Callable[[ledger.Lease], object], expected: Callable[[str], None]) -> None:
        who = who if who in self.held else next(iter(self.held))
        lease = self.held.pop(who)
        verb(lease)
        expected(who)
        self.stale.append(lease)

    def _fail(self, lease: ledger.Lease, retry: bool) -> None:
        self.hand.fail(lease, retry=retry)
        self.hand.skip_delay(lease.job_id)


def test_no_walk_leaves_the_model(sessions: sessionmaker[Session], submit: Submit) -> None:
    LedgerMachine.sessions, LedgerMachine.submit = sessions, staticmethod(submit)
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
