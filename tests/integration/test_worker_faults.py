"""What goes wrong around a run: it hangs, its saved state is damaged, its disk is full."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore
from service.db.models import Attempt, Checkpoint, MetricPoint
from service.db.states import AttemptState, JobState
from service.settings import Settings
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from workers.supervisor import Workplace, supervise

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url")
    return url


def attempts(sessions: Sessions) -> list[Attempt]:
    with sessions() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.token)))


def with_limits(place: Workplace, **limits: float) -> Workplace:
    changed = {name: value for name, value in place.settings.model_dump().items() if name not in limits}
    return replace(place, settings=Settings(**changed, **limits))


def test_a_run_that_hangs_is_stopped_with_its_state_saved_and_tried_again(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    submit_miniature(steps=23, hold_at=12)
    place = with_limits(workplace, stall_limit_seconds=1.0)
    assert supervise(place, claim_next()) is JobState.QUEUED
    assert supervise(place, claim_next()) is JobState.SUCCEEDED
    first, second = attempts(sessions)
    assert (first.state, first.reason_code, first.exit_code) == (AttemptState.FAILED, "stall_limit", 75)
    assert "FRS_STALL_LIMIT_SECONDS" in (first.reason or "")
    assert second.resumed_from_step == 12


def test_a_job_that_runs_too_long_fails_with_its_state_saved(
    workplace: Workplace, sessions: Sessions, submit_miniature: SubmitMiniature, claim_next: ClaimNext
) -> None:
    submit_miniature(steps=23, hold_at=12)
    assert supervise(with_limits(workplace, run_limit_seconds=1.0), claim_next()) is JobState.FAILED
    with sessions() as session:
        assert session.scalars(select(Checkpoint.step).order_by(Checkpoint.step)).all() == [10, 12]


@pytest.mark.parametrize("damage", ["truncated", "gone"])
def test_a_damaged_state_is_forgotten_and_the_one_before_is_gone_on_from(
    workplace: Workplace,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    damage: str,
) -> None:
    submit_miniature(steps=23, hold_at=12)
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
    _, damaged, last = attempts(sessions)
    assert (damaged.reason_code, last.resumed_from_step) == ("state_damaged", 10)
    with sessions() as session:
        assert session.scalars(select(MetricPoint.step).order_by(MetricPoint.step)).all() == list(
            range(1, 24)
        )


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
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    full_disk: Path,
) -> None:
    submit_miniature(steps=23)
    filler = full_disk / "filler"
    filler.write_bytes(b"x" * ((2 << 20) - (12 << 10)))
    small = with_limits(workplace, data_dir=full_disk)
    assert supervise(small, claim_next()) is JobState.QUEUED
    first = attempts(sessions)[0]
    assert first.reason_code in ("disk_full", "storage_failed")
    assert "disk" in (first.reason or "") or "space" in (first.reason or "")
    assert not list((full_disk / "work").glob("*-1"))
    filler.unlink()
    assert supervise(small, claim_next()) is JobState.SUCCEEDED
    with sessions() as session:
        assert session.scalars(select(MetricPoint.step).order_by(MetricPoint.step)).all() == list(
            range(1, 24)
        )
