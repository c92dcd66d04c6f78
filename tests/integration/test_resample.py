"""Runs are drawn from once, apart from requests, and their comparison then has its intervals."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import ArtifactEvent, EvaluationEvent
from frs_core.files import file_sha256
from frs_core.match_arrays import MatchArrays
from service.artifacts import ArtifactStore, open_store
from service.comparison.bootstrap import image_draws, resampled_ap
from service.comparison.draws import NUM_DRAWS, unpack
from service.comparison.load import comparison_of
from service.db import ledger
from service.db.models import Artifact, Event, ResampledAp
from service.jobs.resample import LOST_AFTER, RESAMPLED, resample
from service.settings import Settings
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


@pytest.fixture
def store(settings: Settings) -> ArtifactStore:
    return open_store(settings.resolved_artifacts_url)


def _matches(quality: float) -> MatchArrays:
    """Six images with a box each, of which some are found."""
    found = np.arange(6) < 6 * quality
    return MatchArrays(
        image_ids=np.arange(6),
        classes=np.array(["cell"]),
        detection_image=np.arange(6, dtype=np.int32),
        detection_class=np.zeros(6, np.int32),
        detection_score=np.linspace(0.9, 0.4, 6),
        detection_rank=np.zeros(6, np.uint8),
        detection_index=np.arange(6),
        detection_matched=np.broadcast_to(found[:, None, None], (6, 4, 10)).copy(),
        detection_ignored=np.zeros((6, 4, 10), bool),
        truth_image=np.arange(6, dtype=np.int32),
        truth_class=np.zeros(6, np.int32),
        truth_ignored=np.zeros((6, 4), bool),
    )


def _finish(sessions: Sessions, hand: Hand, store: ArtifactStore, path: Path, quality: float) -> None:
    """End the next job with match arrays and the evaluation that goes with them."""
    lease = hand.take()
    with path.open("wb") as file:
        _matches(quality).save(file)
    sha256 = file_sha256(path)
    uri = store.put(path, f"jobs/{lease.job_id}/1/{sha256[:16]}/matches_val.npz", sha256)
    artifact = ArtifactEvent(
        time=1.0, name="matches_val.npz", path="x", media_type="x/x", sha256=sha256, size_bytes=1
    )
    evaluation = EvaluationEvent(
        time=1.0, split="val", step=1, epoch=1, evaluator="x", dataset_hash="0" * 64, num_images=6,
        num_boxes=6, metrics={"ap": quality},
    )  # fmt: skip
    with sessions.begin() as session:
        ledger.record_artifact(session, lease, artifact, uri=uri)
        ledger.record(session, lease, [evaluation])
    hand.finish(lease)


def test_each_run_is_drawn_from_once_and_the_comparison_has_its_interval(
    sessions: Sessions, store: ArtifactStore, submit: Submit, hand: Hand, tmp_path: Path
) -> None:
    made = submit(seeds=[0, 1])
    for quality in (1.0, 0.5, 0.7, 0.5, 0.7):
        _finish(sessions, hand, store, tmp_path / "matches.npz", quality)
    with sessions() as session:
        assert all(row.delta_ap_interval is None for row in comparison_of(session, made).rows)
    # runs of the same arrays are drawn from once
    assert [resample(sessions, store, set()) for _ in range(4)] == [True, True, True, False]
    with sessions() as session:
        kept = session.scalars(select(ResampledAp)).all()
        [frs] = [row for row in comparison_of(session, made).rows if row.label == "frs"]
        told = session.scalars(select(Event.experiment_id).where(Event.kind == RESAMPLED)).all()
    assert told == [made] * 3
    direct = resampled_ap(_matches(0.5), image_draws(6, NUM_DRAWS))
    assert any(np.array_equal(unpack(row.values), direct) for row in kept)
    assert frs.delta_ap_interval is not None
    assert frs.delta_ap is not None
    assert frs.delta_ap_interval[0] < frs.delta_ap < frs.delta_ap_interval[1]


def test_arrays_that_cannot_be_read_are_not_tried_again(
    sessions: Sessions, store: ArtifactStore, submit: Submit, hand: Hand, tmp_path: Path
) -> None:
    submit()
    _finish(sessions, hand, store, tmp_path / "matches.npz", 0.5)
    for path in (tmp_path / "artifacts").rglob("matches_val.npz"):
        path.write_bytes(b"something else")
    assert [resample(sessions, store, set()) for _ in range(2)] == [True, False]
    with sessions() as session:
        assert session.scalars(select(ResampledAp)).one().num_draws == 0


def test_a_file_that_is_not_there_is_tried_again_until_it_is_lost(
    sessions: Sessions, store: ArtifactStore, submit: Submit, hand: Hand, tmp_path: Path
) -> None:
    submit()
    _finish(sessions, hand, store, tmp_path / "matches.npz", 0.5)
    [path] = (tmp_path / "artifacts").rglob("matches_val.npz")
    path.rename(tmp_path / "away")
    absent: set[str] = set()
    assert [resample(sessions, store, absent) for _ in range(2)] == [True, False]
    assert len(absent) == 1
    with sessions.begin() as session:
        assert session.scalars(select(ResampledAp)).all() == []
        session.scalars(select(Artifact)).one().created_at -= LOST_AFTER
    assert [resample(sessions, store, set()) for _ in range(2)] == [True, False]


def test_the_program_does_what_is_left_and_ends(
    sessions: Sessions,
    store: ArtifactStore,
    submit: Submit,
    hand: Hand,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit()
    _finish(sessions, hand, store, tmp_path / "matches.npz", 0.5)
    for name in ("data_dir", "database_url"):
        monkeypatch.setenv(f"FRS_{name.upper()}", str(getattr(settings, name)))
    ended: Any = subprocess.run([sys.executable, "-m", "service.jobs.resample"], check=False, timeout=60)
    assert ended.returncode == 0
    assert not resample(sessions, store, set())
