"""Every training job leaves its curves for TensorBoard: whole, once, and as they were recorded."""

import struct
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.event_file import FILE_NAME
from service.artifacts import ArtifactError, ArtifactStore
from service.db.metrics import read_series
from service.db.models import Artifact
from service.db.states import JobState
from tests.fixtures.tensorboards import Points, read_events
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from workers.supervisor import supervise
from workers.workplace import Workplace

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind will do: what is read of it is tested on both elsewhere."""
    return sqlite_url


def kept(sessions: Sessions, store: ArtifactStore, job_id: str, folder: Path) -> dict[str, Points]:
    with sessions() as session:
        artifact = session.scalars(
            select(Artifact).where(Artifact.job_id == job_id, Artifact.name == FILE_NAME)
        ).one()
    store.fetch(artifact.uri, folder / FILE_NAME, artifact.sha256)
    return read_events(folder)[0]


def recorded(sessions: Sessions, job_id: str) -> dict[str, Points]:
    """In single precision, as event files have numbers."""
    with sessions() as session:
        return {
            series.name: [
                (step, moment, struct.unpack("<f", struct.pack("<f", value))[0])
                for step, moment, value in zip(series.steps, series.times, series.values, strict=True)
            ]
            for series in read_series(session, job_id)
        }


@pytest.mark.parametrize("fault", [None, "kill", "exit"])
def test_the_file_holds_what_was_recorded_however_many_attempts_it_took(
    workplace: Workplace, sessions: Sessions, store: ArtifactStore, submit_miniature: SubmitMiniature,
    claim_next: ClaimNext, tmp_path: Path, fault: str | None,
) -> None:  # fmt: skip
    job_id = submit_miniature(steps=12, **({} if fault is None else {"fault": fault}))
    if fault is not None:
        assert supervise(workplace, claim_next()) is JobState.QUEUED
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    found = kept(sessions, store, job_id, tmp_path)
    assert found == recorded(sessions, job_id)
    for points in found.values():
        steps = [step for step, _, _ in points]
        assert steps == sorted(set(steps))
    assert [step for step, _, _ in found["train/loss"]] == list(range(1, 13))


def test_a_store_that_does_not_take_it_fails_no_job(
    workplace: Workplace, sessions: Sessions, store: ArtifactStore, submit_miniature: SubmitMiniature,
    claim_next: ClaimNext, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    put = type(store).put

    def refusing(self: ArtifactStore, path: Path, key: str, sha256: str) -> str:
        if path.name == FILE_NAME:
            raise ArtifactError("full")
        return put(self, path, key, sha256)

    monkeypatch.setattr(type(store), "put", refusing)
    submit_miniature(steps=6)
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    with sessions() as session:
        assert FILE_NAME not in session.scalars(select(Artifact.name)).all()
