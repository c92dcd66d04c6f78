"""Data sets: registered once, checked in the background, named by jobs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from frs_core.spec.dataset import DatasetName, DatasetSpec
from service.access.caller import Caller
from service.access.policy import may
from service.api.access import CallerDep
from service.api.bodies import JsonRoute, read_json
from service.api.dataset_views import DatasetVersionView, DatasetView
from service.api.dependencies import Reading, Res, Writing, json_only
from service.api.intake import check_root
from service.api.problems import ProblemError, fault, invalid
from service.api.received import MEDIA_TYPES, ReceivedDep
from service.api.refusals import also
from service.api.views import Page
from service.artifacts import remove_unnamed
from service.datasets.files import archive_key, forget
from service.db import datasets
from service.db.models import Dataset, DatasetVersion
from service.db.types import new_id
from service.jobs.register import register_folder

router = APIRouter(prefix="/datasets", route_class=JsonRoute, tags=["datasets"])
Reference = Annotated[str, Path(description="Name or id of the data set")]
VersionPath = Annotated[str, Path(description="Number or id of the version")]
SplitText = Annotated[str, Query(min_length=1, max_length=1024)]


class RegisterBody(BaseModel):
    """A folder that the service's machines see, and how it is read: as `dataset` of an experiment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: DatasetName
    format: str = Field(min_length=1)
    root: str = Field(default="", max_length=4096)
    train: str = Field(default="train", min_length=1, max_length=1024)
    val: str = Field(default="val", min_length=1, max_length=1024)
    test: str | None = Field(default=None, min_length=1, max_length=1024)
    options: dict[str, Any] = Field(default_factory=dict)


@router.post(
    "",
    status_code=202,
    dependencies=[Depends(json_only)],
    responses={200: {"model": DatasetVersionView}, **also(409)},
)
def register_dataset(
    resources: Res, caller: CallerDep, body: RegisterBody, response: Response
) -> DatasetVersionView:
    """Register a folder; it is checked in the background. 200 where the same already waits for its check.

    New content under a known name becomes its next version; the same content stays the version it is.
    """
    spec = _dataset_spec(body.model_dump(exclude={"name"}))
    check_root(spec, resources.settings)
    settings = resources.settings
    with resources.write.begin() as session:
        row, is_new = register_folder(
            session,
            body.name,
            spec,
            visible=settings.datasets_visible,
            owner_key_id=caller.key_id or None,
            max_attempts=settings.max_attempts,
        )
        _check_owner(session, row, caller)
        response.status_code = 202 if is_new else 200
        return DatasetVersionView.of(row, body.name)


@router.post(
    "/upload",
    status_code=202,
    responses={200: {"model": DatasetVersionView}, **also(409)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in MEDIA_TYPES},
        }
    },
)
def upload_dataset(
    resources: Res,
    caller: CallerDep,
    received: ReceivedDep,
    response: Response,
    *,
    name: Annotated[DatasetName, Query(description="Letters, digits and . _ -")],
    format: Annotated[str, Query(min_length=1, max_length=64)],
    train: SplitText = "train",
    val: SplitText = "val",
    test: Annotated[str | None, Query(min_length=1, max_length=1024)] = None,
    options: Annotated[str, Query(max_length=20_000, description="Of the format, as JSON")] = "{}",
) -> DatasetVersionView:
    """Send a data set as the body: a zip, a tar or a tar.gz. It is unpacked and checked in the background.

    200 where the same archive is there already. Its root is the archive, or the one folder in it.
    """
    given = {"format": format, "train": train, "val": val, "test": test, "options": _options(options)}
    spec = _dataset_spec(given)
    version_id = new_id()
    uri = resources.store.put(received.path, archive_key(version_id), received.sha256)
    is_kept = False
    try:
        with resources.write.begin() as session:
            row, is_new = datasets.register_archive(
                session,
                name,
                spec,
                archive=(uri, received.sha256, received.size_bytes),
                version_id=version_id,
                owner_key_id=caller.key_id or None,
            )
            _check_owner(session, row, caller)
            view = DatasetVersionView.of(row, name)
        is_kept = is_new
    finally:
        if not is_kept:
            remove_unnamed(resources.store, [uri])
    response.status_code = 202 if is_new else 200
    return view


@router.get("")
def list_datasets(session: Reading, archived: bool = False) -> Page[DatasetView]:
    """The data sets with their versions, by name; the archived ones only where asked for."""
    rows = datasets.list_datasets(session, archived=archived)
    uses = datasets.num_uses(session, [version.id for row in rows for version in row.versions])
    return Page(items=tuple(DatasetView.of(row, uses) for row in rows), next_cursor=None)


@router.get("/{dataset_id}")
def get_dataset(session: Reading, dataset_id: Reference) -> DatasetView:
    """One data set by its name or id: versions, faults and statistics."""
    return dataset_view(session, datasets.get_dataset(session, dataset_id))


@router.get("/{dataset_id}/versions/{version}")
def get_dataset_version(session: Reading, dataset_id: Reference, version: VersionPath) -> DatasetVersionView:
    """One version by its number or id. One that is as an earlier one is shown as that one."""
    row = datasets.get_version(session, dataset_id, version)
    return _version_view(session, row)


@router.post("/{dataset_id}/archive", responses=also(409))
def archive_dataset(session: Writing, dataset_id: Reference) -> DatasetView:
    """Take the data set out of the lists: no new job can name it. Jobs that read it are not disturbed."""
    return dataset_view(session, datasets.set_archived(session, dataset_id, archived=True))


@router.post("/{dataset_id}/unarchive")
def unarchive_dataset(session: Writing, dataset_id: Reference) -> DatasetView:
    """Put the data set back."""
    return dataset_view(session, datasets.set_archived(session, dataset_id, archived=False))


@router.delete("/{dataset_id}", status_code=204, responses=also(409))
def delete_dataset(resources: Res, dataset_id: Reference) -> Response:
    """Delete the data set with all its versions and what was sent of them; 409 while jobs read it.

    Folders that were registered stay as they are.
    """
    with resources.write.begin() as session:
        rows = datasets.delete_dataset(session, dataset_id)
    return _forgotten(resources, rows)


@router.delete("/{dataset_id}/versions/{version}", status_code=204, responses=also(409))
def delete_dataset_version(resources: Res, dataset_id: Reference, version: VersionPath) -> Response:
    """Delete one version; 409 while jobs read it. Its number is not given again."""
    with resources.write.begin() as session:
        rows = datasets.delete_version(session, dataset_id, version)
    return _forgotten(resources, rows)


def dataset_view(session: Session, row: Dataset) -> DatasetView:
    """The view of a data set whose versions are loaded."""
    return DatasetView.of(row, datasets.num_uses(session, [version.id for version in row.versions]))


def _version_view(session: Session, row: DatasetVersion) -> DatasetVersionView:
    name = session.get_one(Dataset, row.dataset_id).name
    return DatasetVersionView.of(row, name, datasets.num_uses(session, [row.id]).get(row.id, 0))


def _forgotten(resources: Res, rows: list[DatasetVersion]) -> Response:
    for row in rows:
        forget(row, resources.store, resources.settings)
    return Response(status_code=204)


def _check_owner(session: Session, row: DatasetVersion, caller: Caller) -> None:
    """Raises ProblemError (403): whose version is the newest is what the data set's name stands for."""
    dataset = datasets.dataset_of(session, row)
    if not may(caller, "delete_dataset_version", dataset.owner_key_id):
        raise ProblemError(
            403,
            "not-yours",
            f"the data set {dataset.name} was registered with another key than {caller.name!r}: "
            "give another name, or ask an operator",
        )


def _options(text: str) -> Any:
    found = read_json(text.encode())
    if not isinstance(found, dict):
        raise invalid(fault("options", 'give a JSON object, for instance {"images": "images"}', text))
    return found


def _dataset_spec(given: dict[str, Any]) -> DatasetSpec:
    try:
        return DatasetSpec.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from error
