"""One attempt, seen through by a real supervisor with a real child process and a real database."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore
from service.db import ledger
from service.db.models import (
    Artifact,
    Attempt,
    Checkpoint,
    Event,
    Job,
    JobDependency,
    LogChunk,
    MetricPoint,
)
from service.db.states import AttemptState, DesiredState, JobState
from service.settings import Settings
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from tests.miniature.optimisation import quiet_run
from tests.waiting import wait_until
from workers.supervisor import Workplace, supervise

Sessions = sessionmaker[Session]
on_both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test is about both: an attempt costs a second, and the ledger has tests of its own."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


def the_job(sessions: Sessions, job_id: str) -> Job:
    with sessions() as session:
        return session.get_one(Job, job_id)


def attempts(sessions: Sessions, job_id: str) -> list[Attempt]:
    with sessions() as session:
        return list(session.scalars(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.token)))


def losses(sessions: Sessions) -> list[tuple[int, float | None]]:
    with sessions() as session:
        points = session.scalars(select(MetricPoint).order_by(MetricPoint.step))
        return [(point.step, point.value) for point in points]


def printed(sessions: Sessions, job_id: str) -> str:
    with sessions() as session:
        chunks = select(LogChunk).where(LogChunk.job_id == job_id).order_by(LogChunk.token, LogChunk.offset)
        return "".join(chunk.text for chunk in session.scalars(chunks))


def final_weights(sessions: Sessions, store: ArtifactStore, job_id: str) -> list[float]:
    with sessions() as session:
        stored = select(Checkpoint).where(Checkpoint.kind == "weights", Checkpoint.job_id == job_id)
        uri = session.scalars(stored).one().uri
    with store.open(uri) as file:
        weights: list[float] = json.load(file)
        return weights


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


def child_of(sessions: Sessions, job_id: str) -> int:
    return wait_until(lambda: attempts(sessions, job_id)[-1].pid)


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


@on_both_databases
def test_everything_a_run_reports_is_recorded_and_stored(
    workplace: Workplace,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=23)
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    assert losses(sessions) == quiet_run(23).losses
    assert [line for line in printed(sessions, job_id).splitlines() if line.startswith("step ")] == [
        f"step {step}" for step in range(1, 24)
    ]
    assert final_weights(sessions, store, job_id) == quiet_run(23).weights
    with sessions() as session:
        states = session.scalars(select(Checkpoint.step).where(Checkpoint.kind == "state")).all()
        artifact = session.scalars(select(Artifact)).one()
    assert sorted(states) == [15, 20]
    assert store.size(artifact.uri) == artifact.size_bytes
    attempt = attempts(sessions, job_id)[0]
    assert (attempt.state, attempt.exit_code) == (AttemptState.SUCCEEDED, 0)
    assert attempt.environment is not None
    assert attempt.environment["resumed"] == 0


def test_nothing_is_left_on_the_workers_disk_but_what_is_recorded(
    workplace: Workplace,
    quick_settings: Settings,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    submit_miniature(steps=23)
    supervise(workplace, claim_next())
    assert list(quick_settings.work_dir.iterdir()) == []
    stored = {path.name for path in (quick_settings.data_dir / "artifacts").rglob("*") if path.is_file()}
    assert stored == {"state_00000015.pth", "state_00000020.pth", "weights.safetensors", "export_config.py"}


def test_a_child_gets_no_addresses_and_no_credentials(
    workplace: Workplace,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = {
        "FRS_DATABASE_URL": "s",
        "FRS_BROKER_URL": "s",
        "PGPASSWORD": "s",
        "AWS_SECRET_ACCESS_KEY": "s",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    job_id = submit_miniature()
    supervise(replace(workplace, num_threads=3), claim_next())
    line = next(text for text in printed(sessions, job_id).splitlines() if text.startswith("environment "))
    environment = json.loads(line.removeprefix("environment "))
    assert not secrets & environment.keys()
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    ("fault", "exit_code", "signal", "reason"),
    [
        ("kill", None, 9, "killed (SIGKILL), most often because the host ran out of memory"),
        (
            "exit",
            3,
            None,
            "exit code 3 and no result; its last output:\nstep 4\nstep 5\nstep 6\nstep 7\nthe reason",
        ),
    ],
)
def test_a_run_that_dies_is_retried_from_its_last_state(
    workplace: Workplace,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    fault: str,
    exit_code: int | None,
    signal: int | None,
    reason: str,
) -> None:
    job_id = submit_miniature(steps=12, fault=fault)
    assert supervise(workplace, claim_next()) is JobState.QUEUED
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    first, second = attempts(sessions, job_id)
    assert (first.state, first.exit_code, first.signal) == (AttemptState.FAILED, exit_code, signal)
    assert first.reason is not None
    assert reason in first.reason
    assert second.resumed_from_step == 5
    assert losses(sessions) == quiet_run(12).losses
    assert final_weights(sessions, store, job_id) == quiet_run(12).weights


def test_a_fault_the_user_must_mend_is_not_retried(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    job_id = submit_miniature(fault="user-error")
    assert supervise(workplace, claim_next()) is JobState.FAILED
    job = the_job(sessions, job_id)
    assert (job.reason_code, job.reason_field) == ("invalid_dataset", "dataset.root")
    assert job.reason == "the train split has no images: check dataset.root"


def test_a_malformed_line_is_a_warning_and_costs_nothing(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    job_id = submit_miniature(fault="garbage")
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    assert losses(sessions) == quiet_run(10).losses
    with sessions() as session:
        warning = session.scalars(select(Event).where(Event.kind == "job.warning")).one()
    assert warning.job_id == job_id
    assert '"step": -1' in warning.message


def test_a_file_outside_the_work_folder_is_not_stored(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    job_id = submit_miniature(fault="outside", max_attempts=1)
    assert supervise(workplace, claim_next()) is JobState.FAILED
    job = the_job(sessions, job_id)
    assert job.reason_code == "storage_failed"
    assert "outside its work folder" in (job.reason or "")


def test_a_student_is_given_its_teachers_weights(
    workplace: Workplace,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    teacher_id = submit_miniature(steps=3)
    supervise(workplace, claim_next())
    student_id = submit_miniature(steps=2)
    with sessions.begin() as session:
        student = session.get_one(Job, student_id)
        detector = student.spec["detector"]
        student.spec = {
            **student.spec,
            "kind": "distill",
            "method": {"name": "frs"},
            "teacher": {"detector": detector},
        }
        session.add(JobDependency(job_id=student_id, depends_on_id=teacher_id, role="teacher"))
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    teacher = quiet_run(3).weights
    assert final_weights(sessions, store, student_id) == quiet_run(2, teacher=teacher).weights


def test_a_state_that_changed_in_the_store_is_not_used(
    workplace: Workplace,
    quick_settings: Settings,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=12, fault="kill")
    supervise(workplace, claim_next())
    state = next((quick_settings.data_dir / "artifacts").rglob("state_00000005.pth"))
    state.write_text("something else")
    assert supervise(workplace, claim_next()) is JobState.QUEUED
    last = attempts(sessions, job_id)[-1]
    assert (last.reason_code, last.pid) == ("state_damaged", None)


@pytest.mark.parametrize(
    ("desired", "state", "outcome"),
    [
        (DesiredState.CANCEL, JobState.CANCELLED, AttemptState.CANCELLED),
        (DesiredState.PAUSE, JobState.PAUSED, AttemptState.RELEASED),
    ],
)
def test_a_job_stops_with_its_state_saved_when_the_user_wants(
    workplace: Workplace,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    desired: DesiredState,
    state: JobState,
    outcome: AttemptState,
) -> None:
    job_id = submit_miniature(steps=15, hold_at=12)
    with in_background(workplace, claim_next()) as ended:
        pid = child_of(sessions, job_id)
        wait_until(lambda: len(losses(sessions)) == 12)
        set_desired(sessions, job_id, desired)
    assert ended == [state]
    assert attempts(sessions, job_id)[0].state is outcome
    assert attempts(sessions, job_id)[0].exit_code == 75
    assert not is_running(pid)
    with sessions() as session:
        newest = select(Checkpoint.step).where(Checkpoint.kind == "state").order_by(Checkpoint.step.desc())
        saved_at = session.scalars(newest).first()
    assert saved_at == losses(sessions)[-1][0]


def test_a_child_that_does_not_listen_is_killed_after_the_grace(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    job_id = submit_miniature(steps=15, hold_at=12, fault="deaf")
    with in_background(workplace, claim_next()) as ended:
        pid = child_of(sessions, job_id)
        wait_until(lambda: len(losses(sessions)) == 12)
        set_desired(sessions, job_id, DesiredState.CANCEL)
    assert ended == [JobState.CANCELLED]
    assert attempts(sessions, job_id)[0].signal == 9
    assert not is_running(pid)


def test_a_draining_worker_hands_its_job_back_without_using_up_an_attempt(
    workplace: Workplace,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12, max_attempts=1)
    draining = threading.Event()
    place = replace(workplace, draining=draining.is_set)
    with in_background(place, claim_next()) as ended:
        wait_until(lambda: len(losses(sessions)) == 12)
        draining.set()
    assert ended == [JobState.QUEUED]
    assert the_job(sessions, job_id).not_before is None
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    assert losses(sessions) == quiet_run(23).losses
    assert final_weights(sessions, store, job_id) == quiet_run(23).weights


@on_both_databases
def test_a_stale_attempt_stops_its_child_and_changes_nothing(
    workplace: Workplace,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=15, hold_at=12)
    with in_background(workplace, claim_next()) as ended:
        pid = child_of(sessions, job_id)
        wait_until(lambda: len(losses(sessions)) == 12)
        with sessions.begin() as session:
            # As the reaper finds it when a worker could not report for too long.
            session.execute(update(Attempt).values(lease_expires_at=Attempt.started_at))
            assert ledger.expire_leases(session, backoff_seconds=0) == [job_id]
        second = claim_next()
        recorded = losses(sessions)
    assert ended == [None]
    assert not is_running(pid)
    assert losses(sessions) == recorded
    assert [attempt.state for attempt in attempts(sessions, job_id)] == [
        AttemptState.LOST,
        AttemptState.RUNNING,
    ]
    assert the_job(sessions, job_id).token == second.lease.token


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
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    unreliable = UnreliableSessions(sessions)
    job_id = submit_miniature(steps=23, hold_at=12)
    place = replace(workplace, sessions=unreliable)  # type: ignore[arg-type]
    with in_background(place, claim_next()) as ended:
        pid = child_of(sessions, job_id)
        wait_until(lambda: len(losses(sessions)) == 12)
        unreliable.away.set()
        (quick_settings.work_dir / f"{job_id}-1" / "go").touch()
        wait_until(lambda: not is_running(pid))
        assert len(losses(sessions)) == 12
        unreliable.away.clear()
    assert ended == [JobState.SUCCEEDED]
    assert losses(sessions) == quiet_run(23).losses


def test_a_child_is_stopped_when_the_database_stays_away_for_longer_than_the_lease(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    unreliable = UnreliableSessions(sessions)
    job_id = submit_miniature(steps=15, hold_at=12)
    place = replace(workplace, sessions=unreliable)  # type: ignore[arg-type]
    with in_background(place, claim_next()) as ended:
        pid = child_of(sessions, job_id)
        unreliable.away.set()
    assert ended == [None]
    assert not is_running(pid)


def test_a_child_is_told_where_weights_may_come_from(
    workplace: Workplace,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    tmp_path: Path,
) -> None:
    chosen = {"weights_mirror": tmp_path / "mirror", "weights_hosts": ("a.example", "b.example:8443")}
    job_id = submit_miniature()
    supervise(replace(workplace, settings=workplace.settings.model_copy(update=chosen)), claim_next())
    line = next(text for text in printed(sessions, job_id).splitlines() if text.startswith("arguments "))
    arguments = json.loads(line.removeprefix("arguments "))
    assert arguments[arguments.index("--weights-mirror") + 1] == str(tmp_path / "mirror")
    assert [text for text in arguments if text.startswith("--weights-host")] == [
        "--weights-host=a.example",
        "--weights-host=b.example:8443",
    ]
