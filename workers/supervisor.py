"""Sees one attempt through: prepares it, starts its child, carries what it reports, stops it when need be."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from sqlalchemy.orm import Session, sessionmaker

from frs_core.planning.advice import need_of, remedies
from frs_core.spec import AnyJobSpec, JobSpec
from service.artifacts import ArtifactError, ArtifactStore
from service.db import ledger
from service.db.states import AttemptState, DesiredState, JobState
from service.settings import Settings
from workers import process, workdir
from workers.deadlines import Deadlines
from workers.delivery import LEDGER_AWAY, Delivery, StorageError
from workers.endings import StopCause, ending_of
from workers.heart import Heart, LeaseLostError
from workers.memory import num_oom_kills
from workers.tail import last_lines

TICK_SECONDS = 0.5
PAUSE_SECONDS = 0.1
NUM_LAST_LINES = 5
MIN_FREE_BYTES = 1 << 20

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What a supervisor works with. `gpus` are the job's; `draining` says that it must stop.

    `device_locks` are descriptors that keep the job's GPUs from others, for its run to share.
    `operators` says whether the mmcv of its children has its compiled operators.
    """

    settings: Settings
    sessions: sessionmaker[Session]
    store: ArtifactStore
    gpus: Sequence[str]
    num_threads: int
    draining: Callable[[], bool]
    child_command: Sequence[str]
    operators: bool = False
    device_locks: Sequence[int] = ()


def supervise(place: Workplace, claim: ledger.Claim) -> JobState | None:
    """Work on a claimed job until its attempt ends. Returns the job's state; None when the lease was lost."""
    lease = claim.lease
    bound = log.bind(job=lease.job_id, attempt=lease.attempt_id, token=lease.token)
    bound.info("attempt_started", name=claim.spec.name)
    try:
        with _heart(place, lease) as heart:
            ending = _attempt(place, claim, heart)
            state = _finish(place, lease, ending, heart)
    except (ledger.StaleLeaseError, LeaseLostError) as error:
        bound.warning("lease_lost", reason=str(error))
        return None
    bound.info("attempt_ended", outcome=ending.state, code=ending.code, job_state=state)
    return state


def _heart(place: Workplace, lease: ledger.Lease) -> Heart:
    settings = place.settings
    return Heart(
        place.sessions,
        lease,
        lease_seconds=settings.lease_seconds,
        every_seconds=settings.heartbeat_seconds,
    )


def _attempt(place: Workplace, claim: ledger.Claim, heart: Heart) -> ledger.Ending:
    try:
        with workdir.reserved(place.settings.work_dir, claim.lease) as path:
            folder = workdir.prepare(path, claim, place.store)
            return _run(place, claim, folder, heart)
    except workdir.DamagedStateError as error:
        log.warning("state_damaged", job=claim.lease.job_id, step=error.file.step)
        _forget(place, claim.lease, error.file, heart)
        return _failure("state_damaged", f"{error}; the next attempt goes on from the one before")
    except (ArtifactError, StorageError, OSError) as error:
        log.exception("storage_failed", job=claim.lease.job_id)
        return _failure("storage_failed", f"the worker's files failed: {error}")
    except (ledger.StaleLeaseError, LeaseLostError):
        raise
    except Exception as error:  # whatever it is, the job must not hang until its lease runs out
        log.exception("supervisor_failed", job=claim.lease.job_id)
        return _failure("worker_error", f"the worker failed: {type(error).__name__}: {error}")


def _run(place: Workplace, claim: ledger.Claim, folder: workdir.WorkFolder, heart: Heart) -> ledger.Ending:
    delivery = Delivery(
        place.sessions,
        place.store,
        claim.lease,
        folder,
        keep_states=_keep_states(place, claim),
    )
    kills_before = num_oom_kills()
    child = _start(place, folder)
    try:
        deadlines = Deadlines(place.settings, ran_seconds=claim.ran_seconds)
        cause, overdue = _watch(place, claim.lease, child, delivery, heart=heart, deadlines=deadlines)
    finally:
        child.kill()
    kills_after = num_oom_kills()
    _until_ledger_answers(heart, lambda: delivery.deliver(final=True))
    if overdue is not None and cause is None and not delivery.has_succeeded:
        return replace(overdue, exit_code=child.exit_code, signal=child.signal)
    ending = ending_of(
        delivery.result,
        exit_code=child.exit_code,
        signal=child.signal,
        cause=cause,
        last_lines=last_lines(folder.output, NUM_LAST_LINES),
        out_of_memory=_remedies(claim.spec) if kills_after != kills_before else None,
    )
    return _disk_full(ending, folder.path) if ending.code in ("crash", "killed") else ending


def _disk_full(ending: ledger.Ending, path: Path) -> ledger.Ending:
    """The ending itself, or that the disk was full: a run that dies of it cannot always say so."""
    if shutil.disk_usage(path).free > MIN_FREE_BYTES:
        return ending
    reason = (
        f"the disk of the worker's data folder is full ({path.parent}): free some space, then resume the job"
    )
    return replace(ending, code="disk_full", reason=reason)


def _remedies(spec: AnyJobSpec) -> str:
    """What to change of a job that needs more memory than its host has."""
    if not isinstance(spec, JobSpec):
        return "give it fewer or smaller pictures, or a worker on a host with more memory"
    return remedies(need_of(spec, on_gpu=False))


def _keep_states(place: Workplace, claim: ledger.Claim) -> int:
    wanted = claim.spec.schedule.keep_states if isinstance(claim.spec, JobSpec) else None
    return wanted or place.settings.keep_state_checkpoints


def _start(place: Workplace, folder: workdir.WorkFolder) -> process.Child:
    environment = process.child_environment(
        os.environ,
        gpus=place.gpus,
        num_threads=place.num_threads,
        grace_seconds=place.settings.grace_seconds,
    )
    resume = [] if folder.resume_from is None else ["--resume-from", str(folder.resume_from)]
    weights = ["--weights-mirror", str(place.settings.resolved_weights_mirror)]
    hosts = [f"--weights-host={host}" for host in place.settings.weights_hosts]
    cache = ["--cache-dir", str(place.settings.cache_dir)]
    options = [*resume, *weights, *hosts, *cache]
    return process.start(
        place.child_command,
        folder.path,
        folder.output,
        environment,
        *options,
        shared=place.device_locks,
    )


def _watch(
    place: Workplace,
    lease: ledger.Lease,
    child: process.Child,
    delivery: Delivery,
    *,
    heart: Heart,
    deadlines: Deadlines,
) -> tuple[StopCause | None, ledger.Ending | None]:
    """Until the child has ended: deliver, and stop it when it must.

    Returns why it was stopped, if it was: what somebody wanted, and the limit of time that it passed.
    """
    cause: StopCause | None = None
    overdue: ledger.Ending | None = None
    deadline = float("inf")
    recorded = False
    while not child.wait(TICK_SECONDS):
        heart.check()
        recorded = recorded or _record_process(place, lease, child)
        delivery.deliver()
        wanted = _stop_cause(place, heart)
        late = None if overdue else deadlines.passed(delivery.sign())
        if (wanted is not None or late is not None) and cause is None and overdue is None:
            log.info("stopping_child", job=lease.job_id, cause=wanted or (late and late.code))
            deadline = time.monotonic() + place.settings.grace_seconds
            child.terminate()
        cause, overdue = wanted or cause, overdue or late
        if time.monotonic() > deadline:
            log.warning("killing_child", job=lease.job_id, grace_seconds=place.settings.grace_seconds)
            child.kill()
    return cause, overdue


def _stop_cause(place: Workplace, heart: Heart) -> StopCause | None:
    if heart.desired is DesiredState.CANCEL:
        return StopCause.CANCEL
    if heart.desired is DesiredState.PAUSE:
        return StopCause.PAUSE
    return StopCause.DRAIN if place.draining() else None


def _record_process(place: Workplace, lease: ledger.Lease, child: process.Child) -> bool:
    try:
        with place.sessions.begin() as session:
            ledger.record_process(
                session,
                lease,
                host=socket.gethostname(),
                pid=child.pid,
                process_started_at=child.started_at,
            )
    except LEDGER_AWAY:
        return False
    return True


def _finish(place: Workplace, lease: ledger.Lease, ending: ledger.Ending, heart: Heart) -> JobState:
    states: list[JobState] = []

    def finish() -> bool:
        try:
            with place.sessions.begin() as session:
                backoff = place.settings.retry_backoff_seconds
                states.append(ledger.finish(session, lease, ending, backoff_seconds=backoff))
        except LEDGER_AWAY as error:
            log.warning("ledger_away", job=lease.job_id, error=str(error.orig))
            return False
        return True

    _until_ledger_answers(heart, finish)
    return states[-1]


def _forget(place: Workplace, lease: ledger.Lease, file: ledger.StoredFile, heart: Heart) -> None:
    def forget() -> bool:
        try:
            with place.sessions.begin() as session:
                ledger.forget_checkpoint(session, lease, file.checkpoint_id)
        except LEDGER_AWAY:
            return False
        return True

    _until_ledger_answers(heart, forget)


def _until_ledger_answers(heart: Heart, attempt: Callable[[], bool]) -> None:
    """Try until it works. Raises LeaseLostError when the lease runs out first."""
    while not attempt():
        heart.check()
        time.sleep(PAUSE_SECONDS)


def _failure(code: str, reason: str) -> ledger.Ending:
    return ledger.Ending(state=AttemptState.FAILED, code=code, reason=reason, retry=True)
