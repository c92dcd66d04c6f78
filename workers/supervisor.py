"""Sees one attempt through: prepares it, starts its child, has it watched, and ends it in the ledger."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from frs_core.planning.advice import need_of, remedies
from frs_core.spec import AnyJobSpec, ImportSpec, JobSpec, ScoreSpec
from service.artifacts import ArtifactError
from service.db import ledger
from service.db.states import AttemptState, JobState
from service.telemetry.logs import bound_contextvars
from workers import datasets, process, weights, workdir
from workers.child_log import ChildLog, bound_to_child
from workers.curves import keep_curves
from workers.deadlines import Deadlines
from workers.delivery import LEDGER_AWAY, Delivery, StorageError
from workers.endings import StopCause, ending_of
from workers.heart import Heart, LeaseLostError
from workers.memory import num_oom_kills
from workers.tail import last_lines
from workers.watch import watch
from workers.workplace import Workplace

PAUSE_SECONDS = 0.1
NUM_LAST_LINES = 5
MIN_FREE_BYTES = 1 << 20

log = structlog.get_logger(__name__)


def supervise(place: Workplace, claim: ledger.Claim) -> JobState | None:
    """Work on a claimed job until its attempt ends. Returns the job's state; None when the lease was lost.

    All that is logged meanwhile, by the child too, names job, attempt and the request that submitted it.
    """
    lease = claim.lease
    with bound_contextvars(
        request_id=claim.request_id, job_id=lease.job_id, attempt=lease.token, attempt_id=lease.attempt_id
    ):
        return _supervise(place, claim)


def _supervise(place: Workplace, claim: ledger.Claim) -> JobState | None:
    lease = claim.lease
    log.info("attempt_started", name=claim.spec.name)
    try:
        with _heart(place, lease) as heart:
            ending = _attempt(place, claim, heart)
            state = _finish(place, lease, ending, heart)
    except (ledger.StaleLeaseError, LeaseLostError) as error:
        log.warning("lease_lost", reason=str(error))
        return None
    log.info("attempt_ended", outcome=ending.state, code=ending.code, job_state=state)
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
            weights.check_weights(claim, place.settings)
            claim = datasets.placed(claim, place.store, place.settings)
            folder = workdir.prepare(path, claim, place.store)
            return _run(place, claim, folder, heart)
    except workdir.DamagedStateError as error:
        log.warning("state_damaged", step=error.file.step)
        _forget(place, claim.lease, error.file, heart)
        return _failure("state_damaged", f"{error}; the next attempt goes on from the one before")
    except datasets.RefusedDatasetError as error:
        return _refusal("dataset_refused", error)
    except weights.RefusedWeightsError as error:
        return _refusal("weights_refused", error)
    except (ArtifactError, StorageError, OSError) as error:
        log.exception("storage_failed")
        return _failure("storage_failed", f"the worker's files failed: {error}")
    except (ledger.StaleLeaseError, LeaseLostError):
        raise
    except Exception as error:  # whatever it is, the job must not hang until its lease runs out
        log.exception("supervisor_failed")
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
    child_log = ChildLog(folder.path)
    try:
        deadlines = Deadlines(place.settings, ran_seconds=claim.ran_seconds)
        cause, overdue = watch(
            place, claim.lease, child, delivery, child_log, heart=heart, deadlines=deadlines
        )
    finally:
        child.kill()
        child_log.forward(final=True)
    kills_after = num_oom_kills()
    _until_ledger_answers(heart, lambda: delivery.deliver(final=True))
    if cause not in (StopCause.PAUSE, StopCause.DRAIN):  # those go on, and are in a hurry
        _until_ledger_answers(heart, lambda: _keep_curves(place, claim, folder.path))
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


def _keep_curves(place: Workplace, claim: ledger.Claim, folder: Path) -> bool:
    if isinstance(claim.spec, JobSpec):
        try:
            keep_curves(place.sessions, place.store, claim.lease, claim.spec, folder)
        except LEDGER_AWAY as error:
            log.warning("ledger_away", error=str(error.orig))
            return False
    return True


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
    if isinstance(spec, ScoreSpec):
        return "give it fewer predictions, best those that are surest, or a host with more memory"
    if isinstance(spec, ImportSpec):
        return "give it a checkpoint of the weights alone, or a worker on a host with more memory"
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
    environment |= bound_to_child()
    resume = [] if folder.resume_from is None else ["--resume-from", str(folder.resume_from)]
    mirror = ["--weights-mirror", str(place.settings.resolved_weights_mirror)]
    hosts = [f"--weights-host={host}" for host in place.settings.weights_hosts]
    private = [f"--weights-private-host={host}" for host in place.settings.weights_private_hosts]
    cache = ["--cache-dir", str(place.settings.cache_dir)]
    options = [*resume, *mirror, *hosts, *private, *cache]
    return process.start(
        place.child_command,
        folder.path,
        folder.output,
        environment,
        *options,
        shared=place.device_locks,
    )


def _finish(place: Workplace, lease: ledger.Lease, ending: ledger.Ending, heart: Heart) -> JobState:
    states: list[JobState] = []

    def finish() -> bool:
        try:
            with place.sessions.begin() as session:
                backoff = place.settings.retry_backoff_seconds
                states.append(ledger.finish(session, lease, ending, backoff_seconds=backoff))
        except LEDGER_AWAY as error:
            log.warning("ledger_away", error=str(error.orig))
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


def _refusal(code: str, error: ValueError) -> ledger.Ending:
    return ledger.Ending(state=AttemptState.FAILED, code=code, reason=str(error), retry=False)


def _failure(code: str, reason: str) -> ledger.Ending:
    return ledger.Ending(state=AttemptState.FAILED, code=code, reason=reason, retry=True)
