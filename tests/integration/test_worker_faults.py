"""What goes wrong around a run: it dies or hangs, what it says or saved is damaged, its disk is full."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import DatasetSpec, JobSpec
from service.artifacts import ArtifactStore
from service.db.models import Checkpoint, Event
from service.db.states import AttemptState, JobState
from service.settings import Settings
from tests.fixtures.witnesses import Witness
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from tests.miniature.optimisation import quiet_run
from workers.supervisor import supervise
from workers.workplace import Workplace

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """An attempt costs a second, and the ledger has tests of its own on both kinds."""
    return sqlite_url


def with_limits(place: Workplace, **limits: float) -> Workplace:
    changed = {name: value for name, value in place.settings.model_dump().items() if name not in limits}
    return replace(place, settings=Settings(**changed, **limits))


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
    witness: Witness,
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
    first, second = witness.attempts(job_id)
    assert (first.state, first.exit_code, first.signal) == (AttemptState.FAILED, exit_code, signal)
    assert first.reason is not None
    assert reason in first.reason
    assert second.resumed_from_step == 5
    assert witness.losses() == quiet_run(12).losses
    assert witness.final_weights(job_id) == quiet_run(12).weights


def test_a_fault_the_user_must_mend_is_not_retried(
    workplace: Workplace, witness: Witness, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    job_id = submit_miniature(fault="user-error")
    assert supervise(workplace, claim_next()) is JobState.FAILED
    job = witness.job(job_id)
    assert (job.reason_code, job.reason_field) == ("invalid_dataset", "dataset.root")
    assert job.reason == "the train split has no images: check dataset.root"


@pytest.mark.parametrize(
    ("setting", "code"), [("dataset_roots", "dataset_refused"), ("import_roots", "weights_refused")]
)
def test_a_job_that_names_what_this_host_does_not_read_is_not_retried(
    workplace: Workplace,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    tmp_path: Path,
    setting: str,
    code: str,
) -> None:
    job_id = submit_miniature()
    claim = claim_next()
    assert isinstance(claim.spec, JobSpec)
    dataset = DatasetSpec(format="voc", root=str(tmp_path))
    claim = replace(
        claim, spec=claim.spec.model_copy(update={"dataset": dataset, "checkpoint": "/etc/hosts.pth"})
    )
    settings = workplace.settings.model_copy(update={setting: (tmp_path / "allowed",)})
    assert supervise(replace(workplace, settings=settings), claim) is JobState.FAILED
    assert witness.job(job_id).reason_code == code


def test_a_malformed_line_is_a_warning_and_costs_nothing(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(fault="garbage")
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    assert witness.losses() == quiet_run(10).losses
    with sessions() as session:
        warning = session.scalars(select(Event).where(Event.kind == "job.warning")).one()
    assert warning.job_id == job_id
    assert '"step": -1' in warning.message


def test_a_file_outside_the_work_folder_is_not_stored(
    workplace: Workplace, witness: Witness, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    job_id = submit_miniature(fault="outside", max_attempts=1)
    assert supervise(workplace, claim_next()) is JobState.FAILED
    job = witness.job(job_id)
    assert job.reason_code == "storage_failed"
    assert "outside its work folder" in (job.reason or "")


def test_a_state_that_changed_in_the_store_is_not_used(
    workplace: Workplace,
    quick_settings: Settings,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=12, fault="kill")
    supervise(workplace, claim_next())
    state = next((quick_settings.data_dir / "artifacts").rglob("*.pth"))
    state.write_text("something else")
    assert supervise(workplace, claim_next()) is JobState.QUEUED
    last = witness.attempts(job_id)[-1]
    assert (last.reason_code, last.pid) == ("state_damaged", None)


def test_a_run_that_hangs_is_stopped_with_its_state_saved_and_tried_again(
    workplace: Workplace, witness: Witness, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    place = with_limits(workplace, stall_limit_seconds=1.0)
    assert supervise(place, claim_next()) is JobState.QUEUED
    assert supervise(place, claim_next()) is JobState.SUCCEEDED
    first, second = witness.attempts(job_id)
    assert (first.state, first.reason_code, first.exit_code) == (AttemptState.FAILED, "stall_limit", 75)
    assert "FRS_STALL_LIMIT_SECONDS" in (first.reason or "")
    assert second.resumed_from_step == 12


def test_a_job_that_runs_too_long_fails_with_its_state_saved(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    submit_miniature(steps=23, hold_at=12)
    assert supervise(with_limits(workplace, run_limit_seconds=5.0), claim_next()) is JobState.FAILED
    with sessions() as session:
        assert session.scalars(select(Checkpoint.step).order_by(Checkpoint.step)).all() == [10, 12]


@pytest.mark.parametrize("damage", ["truncated", "gone"])
def test_a_damaged_state_is_forgotten_and_the_one_before_is_gone_on_from(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    damage: str,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    supervise(with_limits(workplace, stall_limit_seconds=1.0), claim_next())
    with sessions() as session:
        newest = session.scalars(select(Checkpoint).order_by(Checkpoint.step.desc())).first()
    assert newest is not None
    if damage == "gone":
        store.delete(newest.uri)
    else:
        path = Path(workplace.settings.data_dir) / "artifacts" / newest.uri.removeprefix("file:")
        path.write_bytes(path.read_bytes()[:-3])
    assert supervise(workplace, claim_next()) is JobState.QUEUED
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    _, damaged, last = witness.attempts(job_id)
    assert (damaged.reason_code, last.resumed_from_step) == ("state_damaged", 10)
    assert witness.steps() == list(range(1, 24))


@pytest.fixture
def full_disk(tmp_path: Path):
    """A file system of 2 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_job_goes_on_when_there_is_room(
    workplace: Workplace,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    full_disk: Path,
) -> None:
    job_id = submit_miniature(steps=23)
    filler = full_disk / "filler"
    filler.write_bytes(b"x" * ((2 << 20) - (12 << 10)))
    small = with_limits(workplace, data_dir=full_disk)
    assert supervise(small, claim_next()) is JobState.QUEUED
    first = witness.attempts(job_id)[0]
    assert first.reason_code in ("disk_full", "storage_failed")
    assert "disk" in (first.reason or "") or "space" in (first.reason or "")
    assert not list((full_disk / "work").glob("*-1"))
    filler.unlink()
    assert supervise(small, claim_next()) is JobState.SUCCEEDED
    assert witness.steps() == list(range(1, 24))
