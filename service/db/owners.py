"""Whose a thing is that a route's path names."""

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from service.db import datasets, queries
from service.db.models import Artifact, Checkpoint, Job
from service.db.recorded import get_artifact, get_checkpoint
from service.db.types import is_id

FindOwner = Callable[[Session, str], str | None]
"""The public id of the key that owns it, if any does. Raises NotFoundError and AmbiguousIdError."""


def _experiment(session: Session, prefix: str) -> str | None:
    return queries.get_experiment(session, prefix).owner_key_id


def _job(session: Session, prefix: str) -> str | None:
    return queries.get_job(session, prefix).owner_key_id


def _checkpoint(session: Session, name: str) -> str | None:
    return _of_file(
        session, get_checkpoint(session, name) if is_id(name) else None, f"checkpoint {name[:64]!r}"
    )


def _artifact(session: Session, name: str) -> str | None:
    row = get_artifact(session, name) if is_id(name) else None
    return _of_file(session, row, f"artifact {name[:64]!r}")


def _dataset(session: Session, reference: str) -> str | None:
    return datasets.get_dataset(session, reference).owner_key_id


def _webhook(session: Session, prefix: str) -> str | None:
    return queries.get_webhook(session, prefix).owner_key_id


def _of_file(session: Session, row: Checkpoint | Artifact | None, words: str) -> str | None:
    if row is None:
        raise queries.NotFoundError(f"there is no {words}")
    return session.get_one(Job, row.job_id).owner_key_id


OWNERS: Mapping[str, FindOwner] = {
    "experiment_id": _experiment,
    "job_id": _job,
    "checkpoint_id": _checkpoint,
    "artifact_id": _artifact,
    "dataset_id": _dataset,
    "webhook_id": _webhook,
}
"""By the name that a route's path gives the id."""
