"""The stored files that a job reads: weights, inputs and archives."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from frs_core.spec import (
    AnyJobSpec,
    ImportSpec,
    JobSpec,
    PlanSpec,
    PredictSpec,
    PreflightSpec,
    ScoreSpec,
    dataset_of,
)
from frs_core.weights.reference import is_address
from service.db.models import Artifact, Checkpoint, DatasetVersion, JobDependency
from service.db.types import is_id


class UnusableJobError(Exception):
    """A job that no worker can do."""

    def __init__(self, code: str, field: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.field, self.reason = code, field, reason


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A checkpoint in the artifact store."""

    checkpoint_id: str
    uri: str
    sha256: str
    size_bytes: int
    step: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class StoredInput:
    """An artifact in the store that the job reads."""

    uri: str
    sha256: str


def weights_of(session: Session, job_id: str, spec: AnyJobSpec) -> dict[str, StoredFile]:
    given = None if isinstance(spec, PlanSpec | PreflightSpec | ScoreSpec | ImportSpec) else spec.checkpoint
    found = {
        "checkpoint": _stored(session, given, "checkpoint"),
        "teacher": _teacher(session, job_id, spec) if isinstance(spec, JobSpec) else None,
    }
    return {place: file for place, file in found.items() if file is not None}


def _teacher(session: Session, job_id: str, spec: JobSpec) -> StoredFile | None:
    if spec.teacher is None:
        return None
    if spec.teacher.checkpoint is not None:
        return _stored(session, spec.teacher.checkpoint, "teacher.checkpoint")
    source = select(JobDependency.depends_on_id).where(
        JobDependency.job_id == job_id, JobDependency.role == "teacher"
    )
    teacher_id = session.scalars(source).one_or_none()
    return None if teacher_id is None else newest(session, teacher_id, CheckpointKind.WEIGHTS)


def inputs_of(session: Session, job_id: str, spec: AnyJobSpec) -> dict[str, StoredInput]:
    if not isinstance(spec, PredictSpec | ScoreSpec | ImportSpec):
        return {}
    rows = {row.name: row for row in session.scalars(select(Artifact).where(Artifact.job_id == job_id))}
    if isinstance(spec, ScoreSpec):
        found = {"predictions": rows.get(spec.predictions)}
    elif isinstance(spec, ImportSpec):
        found = {} if is_address(spec.source) else {"source": rows.get(spec.source)}
    else:
        found = {f"pictures.{number}": rows.get(item.file) for number, item in enumerate(spec.pictures)}
    if isinstance(spec, PredictSpec) and spec.onnx is not None and is_id(spec.onnx):
        found["onnx"] = session.get(Artifact, spec.onnx)
    for place, row in found.items():
        if row is None:
            reason = "the stored file was deleted; send it again"
            raise UnusableJobError("invalid_input", place, reason)
    return {place: StoredInput(uri=row.uri, sha256=row.sha256) for place, row in found.items() if row}


def archive_of(session: Session, spec: AnyJobSpec) -> StoredInput | None:
    """The archive of the data set that was sent to the service; None for one that lies in a folder."""
    dataset = dataset_of(spec)
    if dataset is None or dataset.uploaded_id is None:
        return None
    row = session.get(DatasetVersion, dataset.uploaded_id)
    if row is None or row.archive_uri is None or row.archive_sha256 is None:
        reason = (
            f"{dataset.registered or dataset.root} was deleted; submit the job again with another data set"
        )
        raise UnusableJobError("invalid_dataset", "dataset.registered", reason)
    return StoredInput(uri=row.archive_uri, sha256=row.archive_sha256)


def newest(session: Session, job_id: str, kind: CheckpointKind) -> StoredFile | None:
    statement = select(Checkpoint).where(Checkpoint.job_id == job_id, Checkpoint.kind == kind.value)
    row = session.scalars(statement.order_by(Checkpoint.step.desc()).limit(1)).one_or_none()
    return None if row is None else _file(row)


def _stored(session: Session, name: str | None, field: str) -> StoredFile | None:
    """The checkpoint of that id; None for a path. What was there at the submission may be deleted by now."""
    if name is None or not is_id(name):
        return None
    row = session.get(Checkpoint, name)
    if row is None:
        reason = f"the stored checkpoint {name} was deleted; submit the job again with another one"
        raise UnusableJobError("invalid_checkpoint", field, reason)
    return _file(row)


def _file(row: Checkpoint) -> StoredFile:
    return StoredFile(
        checkpoint_id=row.id,
        uri=row.uri,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        step=row.step,
        epoch=row.epoch,
    )
