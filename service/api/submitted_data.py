"""The data set of a submission: its name made a place, and what is known of it already."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from frs_core.archives import ArchiveError
from frs_core.datasets.records import DatasetReport
from frs_core.spec import ExperimentSpec, JobSpec
from frs_core.spec.dataset import DatasetSpec
from service.api.dependencies import Resources
from service.api.problems import ProblemError, fault, invalid
from service.api.submission import is_known
from service.artifacts import ArtifactMissingError, HashMismatchError
from service.datasets.files import located
from service.datasets.resolving import DatasetMismatchError, report_of, resolved
from service.db.datasets import DatasetReferenceError
from service.db.models import DatasetVersion

SpecT = TypeVar("SpecT", ExperimentSpec, JobSpec)


@dataclass(frozen=True, kw_only=True)
class KnownData:
    """What the registry says of a data set; `report` is None for one that is not registered.

    `local` gives it with its root on this host, unpacked if need be.
    """

    report: DatasetReport | None
    local: Callable[[], DatasetSpec]


def with_data(resources: Resources, spec: SpecT, key: str | None = None) -> SpecT:
    """The specification with what a registered version says. Raises ProblemError (422).

    A repeat of a request that was answered, by its Idempotency-Key, is left as it is.
    """
    if key is not None and is_known(resources, key):
        return spec
    try:
        with resources.read() as session:
            return resolved(session, spec)
    except DatasetReferenceError as error:
        raise invalid(fault("dataset.registered", str(error), spec.dataset.registered)) from error
    except DatasetMismatchError as error:
        raise invalid(fault(error.field, str(error))) from error


def known_data(resources: Resources, dataset: DatasetSpec) -> KnownData:
    """What is known of the data set of a specification that `with_data` gave."""
    with resources.read() as session:
        report = report_of(session, dataset)
    return KnownData(report=report, local=lambda: local_dataset(resources, dataset))


def local_dataset(resources: Resources, dataset: DatasetSpec) -> DatasetSpec:
    """The data set with its root on this host. Raises ProblemError (409) or ArtifactError."""
    if dataset.uploaded_id is None:
        return dataset
    with resources.read() as session:
        row = session.get(DatasetVersion, dataset.uploaded_id)
    if row is None or row.archive_uri is None:
        raise ProblemError(409, "dataset-gone", f"{dataset.registered} is not registered here any longer")
    try:
        return dataset.at(located(row, resources.store, resources.settings).root)
    except (ArchiveError, ArtifactMissingError, HashMismatchError, OSError) as error:
        message = f"the archive of {dataset.registered} cannot be read: {error}"
        raise ProblemError(409, "dataset-gone", message) from error
