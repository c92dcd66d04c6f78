"""The folder of an attempt."""

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml

from frs_core.spec import JobSpec
from service.artifacts import ArtifactStore, open_store
from service.db.ledger import Claim, Lease, StoredFile
from workers.locks import try_lock
from workers.workdir import DamagedStateError, attempt_of, clear, left_behind, prepare, reserved

LEASE = Lease(job_id="job", attempt_id="attempt", token=3)
DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return open_store((tmp_path / "store").as_uri())


def put(store: ArtifactStore, folder: Path, name: str) -> StoredFile:
    source = folder / name
    source.write_text(name)
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    uri = store.put(source, f"jobs/other/1/{name}", sha256)
    return StoredFile(checkpoint_id="c", uri=uri, sha256=sha256, size_bytes=len(name), step=5, epoch=1)


def distil_claim(weights: dict[str, StoredFile], resume_from: StoredFile | None) -> Claim:
    spec = JobSpec.model_validate(
        {
            "kind": "distill",
            "name": "student",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "detector": DETECTOR,
            "teacher": {"detector": DETECTOR},
            "method": {"name": "frs"},
        }
    )
    return Claim(lease=LEASE, spec=spec, experiment_id=None, resume_from=resume_from, weights=weights)


def test_a_folder_is_made_and_filled_and_removed(tmp_path: Path, store: ArtifactStore) -> None:
    teacher = put(store, tmp_path, "weights.safetensors")
    state = put(store, tmp_path, "state_5.pth")
    root = tmp_path / "work"
    with reserved(root, LEASE) as path:
        folder = prepare(path, distil_claim({"teacher": teacher}, state), store)
        job = JobSpec.model_validate(yaml.safe_load((path / "job.yaml").read_text()))
        assert job.teacher is not None
        assert job.teacher.checkpoint is not None
        assert Path(job.teacher.checkpoint).read_text() == "weights.safetensors"
        assert Path(job.teacher.checkpoint).suffix == ".safetensors"
        assert folder.resume_from is not None
        assert folder.resume_from.read_text() == "state_5.pth"
    assert list(root.iterdir()) == []


def test_an_evaluate_job_reads_its_stored_checkpoint(tmp_path: Path, store: ArtifactStore) -> None:
    spec = JobSpec.model_validate(
        {
            "kind": "evaluate",
            "name": "evaluation",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "detector": DETECTOR,
            "checkpoint": "0123456789abcdef",
        }
    )
    weights = {"checkpoint": put(store, tmp_path, "weights.safetensors")}
    claim = Claim(lease=LEASE, spec=spec, experiment_id=None, resume_from=None, weights=weights)
    with reserved(tmp_path / "work", LEASE) as path:
        prepare(path, claim, store)
        job = yaml.safe_load((path / "job.yaml").read_text())
        assert Path(job["checkpoint"]).read_text() == "weights.safetensors"


def test_a_missing_file_is_said_and_the_folder_goes(tmp_path: Path, store: ArtifactStore) -> None:
    state = put(store, tmp_path, "state_5.pth")
    store.delete(state.uri)
    with (
        pytest.raises(DamagedStateError, match="step 5"),
        reserved(tmp_path / "work", LEASE) as path,
    ):
        prepare(path, distil_claim({}, state), store)
    assert list((tmp_path / "work").iterdir()) == []


def test_what_killed_supervisors_left_is_found_but_not_what_is_in_use(tmp_path: Path) -> None:
    with left_behind(tmp_path / "work") as paths:
        assert paths == []
    with reserved(tmp_path / "work", LEASE) as path:
        left = tmp_path / "work" / "other-1"
        left.mkdir()
        (left / "state.pth").write_text("x")
        with left_behind(tmp_path / "work") as paths:
            assert paths == [left]
            clear(left)
        assert path.is_dir()
        assert {entry.name for entry in (tmp_path / "work").iterdir()} == {path.name, f"{path.name}.lock"}


def test_a_folder_names_its_attempt(tmp_path: Path) -> None:
    assert attempt_of(tmp_path / f"{'a' * 16}-12") == ("a" * 16, 12)
    assert attempt_of(tmp_path / "other-1") is None


def test_a_folder_that_goes_while_the_others_are_listed_is_nobodys_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving = tmp_path / "work" / f"{'a' * 16}-1"
    leaving.mkdir(parents=True)

    def lock_after_it_left(path: Path) -> int | None:
        shutil.rmtree(leaving)
        return try_lock(path)

    monkeypatch.setattr("workers.workdir.try_lock", lock_after_it_left)
    with left_behind(tmp_path / "work") as paths:
        assert paths == []
    assert list((tmp_path / "work").iterdir()) == []


def test_a_folder_that_cannot_be_removed_stays_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, reserved(tmp_path / "work", LEASE) as path:
        patch.setattr("workers.workdir.shutil.rmtree", lambda *_, **__: None)
    assert path.is_dir()
    with left_behind(tmp_path / "work") as paths:
        assert paths == []
