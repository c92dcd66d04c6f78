"""The folder of one attempt: made, filled with what the job reads, locked while in use, and removed."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from frs_core.spec import AnyJobSpec, ImportSpec, JobSpec, PredictSpec, ScoreSpec
from service.artifacts import ArtifactMissingError, ArtifactStore, HashMismatchError
from service.db.ledger import Claim, Lease, StoredFile, StoredInput
from service.db.types import is_id
from workers.child import JOB_FILE
from workers.locks import try_lock

OUTPUT_FILE = "output.log"
_LOCK_SUFFIX = ".lock"


class DamagedStateError(Exception):
    """The stored state is gone or changed: the job can go on from an earlier one only."""

    def __init__(self, file: StoredFile) -> None:
        super().__init__(f"the saved state of step {file.step} is damaged or gone from the store")
        self.file = file


@dataclass(frozen=True, kw_only=True)
class WorkFolder:
    """Where an attempt works. `resume_from` is the fetched state to continue from, if any."""

    path: Path
    resume_from: Path | None

    @property
    def output(self) -> Path:
        """What the child prints."""
        return self.path / OUTPUT_FILE


@contextmanager
def reserved(root: Path, lease: Lease) -> Iterator[Path]:
    """An empty folder for this attempt; locked against `left_behind` while in use, then removed."""
    path = root / f"{lease.job_id}-{lease.token}"
    root.mkdir(parents=True, exist_ok=True)
    lock = try_lock(_lock_path(path))
    assert lock is not None, f"{path} is in use"
    try:
        path.mkdir()
        yield path
    finally:
        _remove(path, lock)


def prepare(path: Path, claim: Claim, store: ArtifactStore) -> WorkFolder:
    """Fetch the files that the job reads, verified, and write job.yaml with their paths.

    Raises DamagedStateError where the state to continue from is not what was stored, ArtifactError or OSError
    where a file cannot be had.
    """
    inputs = path / "inputs"
    spec = claim.spec
    for place, file in claim.weights.items():
        spec = _with_checkpoint(spec, place, _fetch(store, file, inputs / place))
    if isinstance(spec, PredictSpec | ScoreSpec | ImportSpec):
        spec = _with_inputs(
            spec, {place: _fetch(store, file, inputs / place) for place, file in claim.inputs.items()}
        )
    resume = None
    if claim.resume_from is not None:
        try:
            resume = _fetch(store, claim.resume_from, inputs / "resume")
        except (HashMismatchError, ArtifactMissingError) as error:
            raise DamagedStateError(claim.resume_from) from error
    (path / JOB_FILE).write_text(yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False))
    return WorkFolder(path=path, resume_from=resume)


@contextmanager
def left_behind(root: Path) -> Iterator[list[Path]]:
    """The folders whose supervisors are dead, all locked until the block ends; `clear` them in it.

    A supervisor holds the lock of its folder for as long as it lives, and no other process has it: a lock
    that can be taken proves it dead, whatever pid it had.
    """
    entries = sorted(entry for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    locks = {path: lock for path in entries if (lock := try_lock(_lock_path(path))) is not None}
    try:
        # One that is gone by now was in use when it was listed: its supervisor lives, and is about to finish.
        yield [path for path in locks if path.exists()]
    finally:
        for path, lock in locks.items():
            if not path.exists():
                _lock_path(path).unlink(missing_ok=True)
            os.close(lock)


def clear(path: Path) -> None:
    """Remove a folder that `left_behind` gave."""
    shutil.rmtree(path, ignore_errors=True)


def attempt_of(path: Path) -> tuple[str, int] | None:
    """The job's id and the token of the attempt that a folder is of; None for a folder of another kind."""
    job_id, _, token = path.name.partition("-")
    return (job_id, int(token)) if is_id(job_id) and token.isdecimal() else None


def _fetch(store: ArtifactStore, file: StoredFile | StoredInput, destination: Path) -> Path:
    destination = destination.with_name(destination.name + PurePosixPath(file.uri).suffix)
    store.fetch(file.uri, destination, file.sha256)
    return destination


def _with_inputs(
    spec: PredictSpec | ScoreSpec | ImportSpec, paths: Mapping[str, Path]
) -> PredictSpec | ScoreSpec | ImportSpec:
    if isinstance(spec, ImportSpec):
        return spec.model_copy(update={"source": str(paths.get("source", spec.source))})
    if isinstance(spec, ScoreSpec):
        return spec.model_copy(update={"predictions": str(paths["predictions"])})
    pictures = tuple(
        picture.model_copy(update={"file": str(paths[f"pictures.{number}"])})
        for number, picture in enumerate(spec.pictures)
    )
    onnx = str(paths["onnx"]) if "onnx" in paths else spec.onnx
    return spec.model_copy(update={"pictures": pictures, "onnx": onnx})


def _with_checkpoint(spec: AnyJobSpec, place: str, path: Path) -> AnyJobSpec:
    if place == "teacher":
        assert isinstance(spec, JobSpec)
        assert spec.teacher is not None, "weights for a teacher that the job does not have"
        return spec.model_copy(update={"teacher": spec.teacher.model_copy(update={"checkpoint": str(path)})})
    assert place == "checkpoint", f"weights for {place}, which is no place in a job"
    return spec.model_copy(update={"checkpoint": str(path)})


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + _LOCK_SUFFIX)


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        return  # locked until this process ends, lest its attempt be taken for a dead one's
    _lock_path(path).unlink(missing_ok=True)
    os.close(lock)
