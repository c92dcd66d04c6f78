"""What the name of a registered data set means: the submission is filled in, and nothing in it is ignored."""

from collections.abc import Iterator
from typing import TypeVar

from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.spec import ExperimentSpec, JobSpec
from frs_core.spec.dataset import RESOLVED_FIELDS, DatasetSpec
from service.db.datasets import resolve
from service.db.models import Dataset, DatasetVersion

SpecT = TypeVar("SpecT", ExperimentSpec, JobSpec)


class DatasetMismatchError(ValueError):
    """A specification says of a registered data set what is not so. `field` is its place."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def resolved(session: Session, spec: SpecT) -> SpecT:
    """The specification with what the registered version says; itself where it names none.

    Raises service.db.datasets.DatasetReferenceError and DatasetMismatchError.
    """
    given = spec.dataset
    if given.registered is None:
        if given.version is not None:
            raise DatasetMismatchError("dataset.version", "belongs to `registered`; leave it out")
        return spec
    row = resolve(session, given.registered)
    full = full_spec(session, row)
    for field, message in _differences(given, full):
        raise DatasetMismatchError(field, message)
    return spec.model_copy(update={"dataset": full})


def full_spec(session: Session, row: DatasetVersion) -> DatasetSpec:
    """A ready version as jobs record it: where and how to read it, its name and number, and its hash."""
    name = session.get_one(Dataset, row.dataset_id).name
    version = {"id": row.id, "sha256": row.content_hash}
    registered = f"{name}@{row.number}"
    return DatasetSpec.model_validate({**row.spec, "registered": registered, "version": version})


def report_of(session: Session, dataset: DatasetSpec) -> DatasetReport | None:
    """What was found when the version was checked; None for a data set that is not registered here."""
    if dataset.version is None:
        return None
    row = session.get(DatasetVersion, dataset.version.id)
    return None if row is None or row.report is None else DatasetReport.model_validate(row.report)


def _differences(given: DatasetSpec, full: DatasetSpec) -> Iterator[tuple[str, str]]:
    for name in RESOLVED_FIELDS:
        if name in given.model_fields_set and getattr(given, name) != getattr(full, name):
            yield (
                f"dataset.{name}",
                f"{full.registered} says it is {getattr(full, name)!r}; leave it out beside `registered`",
            )
