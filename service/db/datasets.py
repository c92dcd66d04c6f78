"""What is done to registered data sets: looked up, made, archived, deleted."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from frs_core.spec.dataset import UPLOADED, DatasetSpec
from service.db.leases import now
from service.db.models import Dataset, DatasetUse, DatasetVersion, Event, Job
from service.db.queries import NotFoundError
from service.db.states import DatasetState
from service.db.types import is_id, new_id
from service.db.upsert import upsert

PENDING = (DatasetState.REGISTERED, DatasetState.CHECKING)
MAX_NAMED = 20
CHANGED = "dataset.changed"
"""The kind of the events that tell of data sets."""


class DatasetReferenceError(ValueError):
    """A specification names a version that is not there, or that cannot be used (yet)."""


class DatasetInUseError(RuntimeError):
    """A version that jobs read is not deleted."""


class ArchivedDatasetError(RuntimeError):
    """Nothing is added to an archived data set."""


def list_datasets(session: Session, *, archived: bool = False) -> Sequence[Dataset]:
    """Data sets with their versions, by name."""
    is_wanted = Dataset.archived_at.is_not(None) if archived else Dataset.archived_at.is_(None)
    statement = select(Dataset).where(is_wanted).options(selectinload(Dataset.versions))
    return session.scalars(statement.order_by(Dataset.name)).all()


def get_dataset(session: Session, reference: str) -> Dataset:
    """The data set of that name or id, with its versions. Raises NotFoundError."""
    found = _find(session, Dataset.name == reference) if _can_be_a_name(reference) else None
    if found is None and is_id(reference):
        found = _find(session, Dataset.id == reference)
    if found is None:
        raise NotFoundError(f"there is no data set {reference[:80]!r}; {_there_is(session)}")
    return found


def _can_be_a_name(text: str) -> bool:
    """PostgreSQL does not even compare text that holds a null character."""
    return "\0" not in text


def dataset_of(session: Session, row: DatasetVersion) -> Dataset:
    """The data set that a version is of."""
    return session.get_one(Dataset, row.dataset_id)


def get_version(session: Session, name: str, version: str) -> DatasetVersion:
    """A version of a data set by its number or id; of one that is as another is, that one.

    Raises NotFoundError.
    """
    dataset = get_dataset(session, name)
    for row in dataset.versions:
        if version in (row.id, str(row.number)):
            return row if row.same_as_id is None else get_version(session, name, row.same_as_id)
    there = ", ".join(str(row.number) for row in dataset.versions if row.number) or "none"
    raise NotFoundError(f"{dataset.name} has no version {version[:32]!r}; there are {there}")


def resolve(session: Session, reference: str) -> DatasetVersion:
    """The version that `NAME@VERSION`, a `NAME` (its newest) or an id names, ready to be used.

    Raises DatasetReferenceError, whose message lists what there is.
    """
    name, _, number = reference.partition("@")
    dataset = _find(session, Dataset.name == name)
    if dataset is None and is_id(reference):
        row = session.get(DatasetVersion, reference)
        dataset = None if row is None else _find(session, Dataset.id == row.dataset_id)
        number = reference
    if dataset is None:
        raise DatasetReferenceError(f"there is no data set {name!r}; {_there_is(session)}")
    if dataset.archived_at is not None:
        raise DatasetReferenceError(f"{dataset.name} is archived; put it back, or use another")
    ready = [row for row in dataset.versions if row.state is DatasetState.READY and row.number]
    if not number and ready:
        return max(ready, key=lambda row: row.number or 0)
    for row in dataset.versions:
        if number and number in (row.id, str(row.number)):
            return _usable(session, dataset, row)
    raise DatasetReferenceError(f"{reference!r} is not there; {_versions(dataset)}")


def _usable(session: Session, dataset: Dataset, row: DatasetVersion) -> DatasetVersion:
    if row.same_as_id is not None:
        return session.get_one(DatasetVersion, row.same_as_id)
    if row.state is not DatasetState.READY:
        raise DatasetReferenceError(
            f"version {row.id} of {dataset.name} is {row.state.value}; it must be ready"
        )
    return row


def _versions(dataset: Dataset) -> str:
    ready = [f"{dataset.name}@{row.number}" for row in dataset.versions if row.number]
    coming = [f"{row.id} is {row.state.value}" for row in dataset.versions if row.state in PENDING]
    there = f"there are {', '.join(ready)}" if ready else "no version of it is ready"
    return "; ".join([there, *coming])


def _there_is(session: Session) -> str:
    statement = select(Dataset.name).where(Dataset.archived_at.is_(None)).order_by(Dataset.name)
    names = list(session.scalars(statement.limit(MAX_NAMED + 1)))
    more = ", ..." if len(names) > MAX_NAMED else ""
    return f"there are {', '.join(names[:MAX_NAMED])}{more}" if names else "none is registered yet"


def register(
    session: Session, name: str, spec: DatasetSpec, *, owner_key_id: str | None
) -> tuple[DatasetVersion, bool]:
    """A version of a folder, to be checked, and whether it is new: one that waits already is not.

    Raises ArchivedDatasetError.
    """
    dataset = _held(session, name, owner_key_id)
    plain = spec.model_dump(mode="json")
    for row in dataset.versions:
        if row.state in PENDING and row.spec == plain:
            return row, False
    return _added(session, dataset, DatasetVersion(id=new_id(), spec=plain), owner_key_id), True


def register_archive(
    session: Session,
    name: str,
    spec: DatasetSpec,
    *,
    archive: tuple[str, str, int],
    version_id: str,
    owner_key_id: str | None,
) -> tuple[DatasetVersion, bool]:
    """As `register`, of an archive: its URI, SHA-256 and size. The same archive is the same version.

    Raises ArchivedDatasetError.
    """
    dataset = _held(session, name, owner_key_id)
    uri, sha256, size_bytes = archive
    plain = spec.at(f"{UPLOADED}{version_id}").model_dump(mode="json")
    for row in dataset.versions:
        is_same = row.archive_sha256 == sha256 and {**row.spec, "root": ""} == {**plain, "root": ""}
        if is_same and row.state is not DatasetState.FAILED:
            return row, False
    row = DatasetVersion(
        id=version_id, spec=plain, archive_uri=uri, archive_sha256=sha256, archive_bytes=size_bytes
    )
    return _added(session, dataset, row, owner_key_id), True


def _held(session: Session, name: str, owner_key_id: str | None) -> Dataset:
    """The data set of that name, made where it is not there, locked until the transaction's end."""
    row = {
        "id": new_id(), "name": name, "owner_key_id": owner_key_id, "last_number": 0,
        "created_at": now(session), "archived_at": None,
    }  # fmt: skip
    upsert(session, Dataset, [row], key=("name",))
    statement = select(Dataset).where(Dataset.name == name).with_for_update()
    dataset = session.scalars(
        statement.options(selectinload(Dataset.versions)).execution_options(populate_existing=True)
    ).one()
    if dataset.archived_at is not None:
        raise ArchivedDatasetError(f"{name} is archived; put it back first, or give another name")
    return dataset


def _added(
    session: Session, dataset: Dataset, row: DatasetVersion, owner_key_id: str | None
) -> DatasetVersion:
    row.dataset_id, row.owner_key_id, row.created_at = dataset.id, owner_key_id, now(session)
    session.add(row)
    session.flush()
    tell(session, f"{dataset.name}: a version was registered", row)
    return row


def set_archived(session: Session, name: str, *, archived: bool) -> Dataset:
    """Take a data set out of the lists, so that no new job names it, or put it back."""
    dataset = get_dataset(session, name)
    if archived != (dataset.archived_at is not None):
        dataset.archived_at = now(session) if archived else None
        what = "was archived" if archived else "was put back"
        session.add(Event(kind=CHANGED, message=f"{dataset.name} {what}"))
    session.flush()
    return dataset


def delete_dataset(session: Session, name: str) -> list[DatasetVersion]:
    """Delete a data set with its versions, which are given. Raises NotFoundError, DatasetInUseError."""
    dataset = _locked(session, name)
    _refuse_used(session, dataset, [row.id for row in dataset.versions])
    rows = list(dataset.versions)
    session.execute(delete(Dataset).where(Dataset.id == dataset.id))
    session.add(Event(kind=CHANGED, message=f"{dataset.name} was deleted"))
    return rows


def delete_version(session: Session, name: str, version: str) -> list[DatasetVersion]:
    """Delete one version, and what turned out to be the same. Raises NotFoundError, DatasetInUseError."""
    dataset = _locked(session, name)
    row = get_version(session, name, version)
    _refuse_used(session, dataset, [row.id])
    rows = [each for each in dataset.versions if row.id in (each.id, each.same_as_id)]
    session.execute(delete(DatasetVersion).where(DatasetVersion.id == row.id))
    tell(session, f"{dataset.name}: version {row.number or row.id} was deleted", row)
    return rows


def _locked(session: Session, name: str) -> Dataset:
    found = get_dataset(session, name)
    session.get_one(Dataset, found.id, with_for_update=True)
    return found


def _refuse_used(session: Session, dataset: Dataset, version_ids: Sequence[str]) -> None:
    used = list(
        session.scalars(
            select(Job)
            .join(DatasetUse, DatasetUse.job_id == Job.id)
            .where(DatasetUse.version_id.in_(version_ids))
            .options(joinedload(Job.experiment))
            .order_by(Job.created_at)
        )
    )
    if used:
        shown = sorted({job.experiment.name if job.experiment else job.name for job in used})[:5]
        raise DatasetInUseError(
            f"{dataset.name} is used by {len(used)} jobs (of {', '.join(shown)}): delete those experiments "
            "first, or archive the data set"
        )


def has_files() -> ColumnElement[bool]:
    """Whether what was sent as a version is kept: not what failed, or is there already."""
    return and_(
        DatasetVersion.archive_uri.is_not(None),
        DatasetVersion.state != DatasetState.FAILED,
        DatasetVersion.same_as_id.is_(None),
    )


def with_files(session: Session, version_ids: Collection[str]) -> set[str]:
    """Those of the ids that are versions whose files are kept."""
    kept = select(DatasetVersion.id).where(DatasetVersion.id.in_(version_ids), has_files())
    return set(session.scalars(kept))


def num_uses(session: Session, version_ids: Sequence[str]) -> dict[str, int]:
    """How many jobs read each version."""
    statement = (
        select(DatasetUse.version_id, func.count())
        .where(DatasetUse.version_id.in_(version_ids))
        .group_by(DatasetUse.version_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def note_uses(session: Session, jobs: Sequence[Job]) -> None:
    """Write down which registered versions new jobs read. Raises DatasetReferenceError for deleted ones."""
    wanted = {job.id: version for job in jobs if (version := _version_id(job.spec)) is not None}
    there = set(
        session.scalars(
            select(DatasetVersion.id)
            .where(DatasetVersion.id.in_(set(wanted.values())))
            .with_for_update(key_share=True)
        )
    )
    for job_id, version_id in wanted.items():
        if version_id not in there:
            raise DatasetReferenceError("the version of the data set was deleted meanwhile; name another")
        session.add(DatasetUse(job_id=job_id, version_id=version_id))


def _version_id(spec: dict[str, Any]) -> str | None:
    dataset = spec.get("dataset") or (spec.get("experiment") or {}).get("dataset") or {}
    return (dataset.get("version") or {}).get("id")


def tell(session: Session, message: str, row: DatasetVersion) -> None:
    """Leave an event, so that pages look anew."""
    data = {"dataset": row.dataset_id, "version": row.id}
    session.add(Event(kind=CHANGED, message=message, data=data, created_at=now(session)))


def _find(session: Session, condition: Any) -> Dataset | None:
    return session.scalars(
        select(Dataset).where(condition).options(selectinload(Dataset.versions))
    ).one_or_none()
