"""Checkpoints that were made elsewhere: uploaded, from a folder of the server, or from an https host."""

import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePath
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from frs_core.errors import CheckpointError
from frs_core.spec import ImportSpec
from frs_core.spec.base import Name
from frs_core.weights.reference import EXTENSIONS, is_address
from service.api import checkpoints, intake
from service.api.bodies import read_json, validated
from service.api.dependencies import Res, Resources
from service.api.import_roots import copy_limited, copy_plain, path_below
from service.api.job_views import JobDetail
from service.api.jobs import job_detail
from service.api.multipart import MEDIA_TYPE
from service.api.problems import ProblemError, fault, invalid
from service.api.submission import IdempotencyHeader, Submitted, submit
from service.artifacts import object_key, remove_unnamed
from service.db import queries
from service.db.types import new_id
from service.jobs.errands import InputFile, submit_errand

router = APIRouter(tags=["files"])
_DEFAULT_NAME = "imported checkpoint"


class CheckpointImport(BaseModel):
    """Where a checkpoint is: `path` on the server, or `url`; or neither, where its `file` comes along.

    `sha256` is what it must be, if that is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = Field(default=None, min_length=1, max_length=4096)
    url: str | None = Field(default=None, min_length=1, max_length=4096)
    name: Name = _DEFAULT_NAME
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    submitted_by: Name | None = None


class Wish:
    """A request, and the file that came with it under the name that its client gave."""

    def __init__(self, body: CheckpointImport, file: BinaryIO | None = None, filename: str = "") -> None:
        self.body, self.file, self.filename = body, file, filename

    @property
    def suffix(self) -> str:
        """The ending of the file's name. Raises ProblemError (422) where that is no checkpoint's."""
        field, name = ("file", self.filename) if self.file else ("path", self.body.path or "")
        suffix = PurePath(name.replace("\\", "/")).suffix.lower()
        if suffix not in EXTENSIONS:
            raise invalid(fault(field, f"a checkpoint's name ends in {', '.join(EXTENSIONS)}", name))
        return suffix

    def receive(self, target: Path, resources: Resources) -> str:
        """Have the file at a place of ours, looked into without torch; gives its SHA-256.

        Raises ProblemError (422) for one that may not be read, is too large, is none, or could run code.
        """
        field, value = ("file", self.filename) if self.file else ("path", self.body.path)
        limit = resources.settings.max_checkpoint_bytes
        try:
            if self.file is not None:
                sha256 = copy_limited(self.file, target, max_bytes=limit)
            else:
                assert self.body.path is not None
                source = path_below(self.body.path, resources.settings.import_roots)
                sha256 = copy_plain(source, target, max_bytes=limit)
            checkpoints.inspect(target)
        except (ValueError, CheckpointError) as error:
            raise invalid(fault(field, str(error), value)) from error
        if self.body.sha256 not in (None, sha256):
            raise invalid(fault("sha256", f"the file has {sha256}: get it again, or correct this"))
        return sha256


def _described() -> dict[str, Any]:
    """The two forms of the body, for the OpenAPI document."""
    plain = CheckpointImport.model_json_schema()
    fields = {key: value for key, value in plain["properties"].items() if key not in ("path", "url")}
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {**fields, "file": {"type": "string", "format": "binary"}},
    }
    return {
        "required": True,
        "content": {MEDIA_TYPE: {"schema": form}, "application/json": {"schema": plain}},
    }


async def _wish(request: Request) -> AsyncIterator[Wish]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        body = validated(CheckpointImport, read_json(await request.body()))
        if (body.path is None) == (body.url is None):
            raise invalid(fault("path", "give either a `path` or a `url`, or upload a `file`"))
        yield Wish(body)
        return
    if media_type != MEDIA_TYPE:
        message = f"send a file as {MEDIA_TYPE}, or a path or url as application/json"
        raise ProblemError(415, "unsupported-media-type", f"Content-Type is {media_type[:100]!r}: {message}")
    async with request.form(max_files=1, max_fields=10) as form:  # a large file is on the disk by now
        texts = {key: value for key, value in form.multi_items() if isinstance(value, str)}
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise invalid(fault("file", "required, and absent; add the file"))
        body = validated(CheckpointImport, texts)
        if body.path is not None or body.url is not None:
            raise invalid(fault("file", "give a file, or a path or url as application/json: one of them"))
        yield Wish(body, upload.file, upload.filename or "")


@router.post(
    "/checkpoints",
    status_code=202,
    responses={200: {"model": JobDetail}},
    openapi_extra={"requestBody": _described()},
)
def import_checkpoint(
    resources: Res,
    wish: Annotated[Wish, Depends(_wish)],
    response: Response,
    key: IdempotencyHeader = None,
) -> JobDetail:
    """Queue a job that takes in a checkpoint: the id of its `weights` can then be named in specifications.

    Only tensors are kept, and nothing in the file is run. `Idempotency-Key` works as for experiments.
    """
    if wish.body.url is not None:
        _check_url(wish.body.url, resources)
        submitted = _submitted(resources, _spec(wish, wish.body.url, wish.body.sha256), key, new_id(), None)
    else:
        with tempfile.TemporaryDirectory(prefix="frs-import-") as folder:
            path = Path(folder) / f"checkpoint{wish.suffix}"
            sha256 = wish.receive(path, resources)
            spec = _spec(wish, f"inputs/{path.name}", sha256)
            submitted = _submitted(resources, spec, key, new_id(), path)
    submitted.mark(response, 202)
    with resources.read() as session:
        return job_detail(session, queries.get_job(session, submitted.id))


def _check_url(url: str, resources: Resources) -> None:
    if not is_address(url):
        raise invalid(fault("url", "give https://HOST/PATH", url))
    intake.check_weights(url, resources.settings, field="url")


def _spec(wish: Wish, source: str, sha256: str | None) -> ImportSpec:
    return ImportSpec(name=wish.body.name, source=source, sha256=sha256, submitted_by=wish.body.submitted_by)


def _submitted(
    resources: Resources, spec: ImportSpec, key: str | None, new: str, path: Path | None
) -> Submitted:
    """Store the file and queue the job, or neither."""
    stored: list[InputFile] = []
    submitted: Submitted | None = None
    try:
        submitted = submit(
            resources,
            spec,
            key,
            check=_storing(resources, spec, new, path, stored),
            write=lambda session, _, idempotency: submit_errand(
                session,
                spec,
                job_id=new,
                files=stored,
                idempotency=idempotency,
                max_attempts=resources.settings.max_attempts,
            ),
        )
        return submitted
    finally:
        if submitted is None or submitted.id != new:
            remove_unnamed(resources.store, [file.uri for file in stored])


def _storing(
    resources: Resources, spec: ImportSpec, new: str, path: Path | None, stored: list[InputFile]
) -> Callable[[], None]:
    def store() -> None:
        if path is not None and spec.sha256 is not None:
            uri = resources.store.put(path, object_key(new, 0, spec.sha256, path.name), spec.sha256)
            stored.append(InputFile(spec.source, uri, spec.sha256, path.stat().st_size))

    return store
