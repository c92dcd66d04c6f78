"""Records: what an experiment found, to be kept elsewhere and taken in again."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy import event

from service.api.access import CallerDep
from service.api.bodies import BodyError, read_json
from service.api.dependencies import Reading, Res, Resources
from service.api.experiment_views import ExperimentDetail
from service.api.experiments import experiment_detail
from service.api.multipart import MEDIA_TYPE, read_form
from service.api.problems import ProblemError, fault, invalid
from service.api.refusals import also
from service.artifacts import ArtifactStore, object_key, remove_unnamed
from service.db import queries
from service.records import KeptFile, Recorded
from service.records.read import record_of
from service.records.write import write_record

router = APIRouter(prefix="/experiments", tags=["experiments"])

_FORM = {
    "required": True,
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["record"],
                "properties": {
                    "record": {"type": "string", "description": "JSON, as /experiments/{id}/record gives it"},
                    "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                },
            }
        }
    },
}


class Parcel(NamedTuple):
    """A record with the bytes of its files, by their SHA-256."""

    record: Recorded
    files: Mapping[str, bytes]


async def _parcel(request: Request) -> Parcel:
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise ProblemError(415, "unsupported-media-type", f"send `record` and `files` as {MEDIA_TYPE}")
    parts = read_form(content_type, await request.body())
    texts = [part.content for part in parts if part.name == "record"]
    if len(texts) != 1:
        raise invalid(fault("record", "give the record's JSON as one field `record`"))
    files = {hashlib.sha256(part.content).hexdigest(): part.content for part in parts if part.name == "files"}
    try:
        record = Recorded.model_validate(read_json(texts[0]))
    except BodyError as error:
        raise invalid(fault("record", str(error))) from error
    except ValidationError as error:
        located = [{**each, "loc": ("body", "record", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(located) from error
    return Parcel(record, files)


@router.get("/{experiment_id}/record")
def get_record(session: Reading, experiment_id: str) -> Recorded:
    """All that the ended jobs recorded: metrics, evaluations, hashes; and which files belong to it."""
    experiment = queries.get_experiment(session, experiment_id)
    try:
        return record_of(session, experiment)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ProblemError(409, "unreadable-experiment", f"this version cannot read it: {message}") from error
    except ValueError as error:
        raise ProblemError(409, "nothing-ended", str(error)) from error


@router.post(
    "/import",
    status_code=201,
    responses={200: {"model": ExperimentDetail}, **also(409)},
    openapi_extra={"requestBody": _FORM},
)
def import_record(
    resources: Res, caller: CallerDep, response: Response, parcel: Annotated[Parcel, Depends(_parcel)]
) -> ExperimentDetail:
    """Take in a record as an experiment of its own, which says that it was imported.

    Each file is checked against its hash. The same record again answers 200 with the experiment of the
    first time.
    """
    _check_files(parcel)
    shelf = _Shelf(resources.store, parcel.files)
    written: list[object] = []
    try:
        with resources.write.begin() as session:
            event.listen(session, "pending_to_persistent", lambda _, row: written.append(row))
            experiment = write_record(session, parcel.record, shelf.put, caller)
            experiment_id, is_new = experiment.id, experiment in written
    except BaseException:
        shelf.clear()
        raise
    if not is_new:
        response.status_code = 200
    return _detail(resources, experiment_id)


def _detail(resources: Resources, experiment_id: str) -> ExperimentDetail:
    with resources.read() as session:
        return experiment_detail(session, queries.get_experiment(session, experiment_id))


def _check_files(parcel: Parcel) -> None:
    for number, job in enumerate(parcel.record.jobs):
        for file in job.files:
            content = parcel.files.get(file.sha256)
            if content is None or len(content) != file.size_bytes:
                message = (
                    f"{file.name} of {job.label} (job {job.id}) is not among the files sent, or was changed: "
                    "none has its SHA-256; send the record as it was written"
                )
                raise invalid(fault(f"record.jobs.{number}.files", message, file.sha256))


class _Shelf:
    """Puts kept files into the store, and takes them out again where nothing came of it."""

    def __init__(self, store: ArtifactStore, files: Mapping[str, bytes]) -> None:
        self._store, self._files = store, files
        self._uris: list[str] = []

    def put(self, job_id: str, file: KeptFile) -> str:
        with tempfile.TemporaryDirectory(prefix="frs-import-") as folder:
            path = Path(folder) / "file"
            path.write_bytes(self._files[file.sha256])
            uri = self._store.put(path, object_key(job_id, 0, file.sha256, file.name), file.sha256)
        self._uris.append(uri)
        return uri

    def clear(self) -> None:
        remove_unnamed(self._store, self._uris)
