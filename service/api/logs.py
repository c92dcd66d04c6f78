"""What a job's processes printed: from the beginning, from the end, and as a file."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from pydantic import AfterValidator

from service.api.dependencies import Reading, Res, Resources, no_null
from service.api.problems import fault, invalid
from service.api.records import LogTailView, LogView
from service.db import queries
from service.db.logs import Place, log_tail
from service.db.states import TERMINAL, JobState

router = APIRouter(prefix="/jobs/{job_id}/logs", tags=["observations"])
CHUNKS_PER_ANSWER = 200
_PLACE = re.compile(r"^(\d{1,9}):(\d{1,18})$", re.ASCII)
_ENDED = TERMINAL | {JobState.BLOCKED}


def _place(value: str) -> str:
    if value and not _PLACE.match(value):
        raise ValueError("give `next_after` of an earlier answer, or leave it out to start at the beginning")
    return value


@router.get(
    "",
    response_model=LogView,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_job_logs(
    session: Reading,
    request: Request,
    job_id: str,
    after: Annotated[
        str, Query(max_length=40, description="`next_after` of the answer before"), AfterValidator(_place)
    ] = "",
    format: Annotated[
        Literal["json", "text"] | None, Query(description="Default: by the Accept header, else json")
    ] = None,
) -> Response | LogView:
    """What the job's processes printed. To follow, ask again with `after` until `finished`.

    Of a job that was reused it is what the one that ran had printed, while that is there.
    As plain text the place to go on from is in the header `X-Next-After`.
    """
    job = queries.get_job(session, job_id)
    found = _PLACE.match(after)
    place = (int(found[1]), int(found[2])) if found else None
    chunks = queries.job_logs(session, job.reused_from or job.id, after=place, limit=CHUNKS_PER_ANSWER)
    next_after = f"{chunks[-1].token}:{chunks[-1].offset}" if chunks else after
    text = "".join(chunk.text for chunk in chunks)
    if format == "text" or (format is None and request.headers.get("accept", "").startswith("text/plain")):
        return PlainTextResponse(text, headers={"X-Next-After": next_after})
    finished = job.state in _ENDED and len(chunks) < CHUNKS_PER_ANSWER
    return LogView(text=text, next_after=next_after, finished=finished)


@router.get("/tail")
def get_job_log_tail(
    session: Reading,
    job_id: str,
    lines: Annotated[int, Query(ge=1, le=5000, description="At most so many")] = 500,
    before: Annotated[str, Query(max_length=60, description="`before` of the answer before")] = "",
    search: Annotated[
        str, Query(max_length=200, description="Only lines that hold this"), AfterValidator(no_null)
    ] = "",
) -> LogTailView:
    """The last lines of the log. For those before them ask again with `before`, until it is null."""
    job = queries.get_job(session, job_id)
    try:
        place = Place.parse(before) if before else None
    except ValueError as error:
        raise invalid(fault("before", str(error), before)) from error
    tail = log_tail(session, job.reused_from or job.id, num_lines=lines, before=place, search=search)
    return LogTailView(lines=tail.lines, before=None if tail.before is None else str(tail.before))


@router.get(
    "/download",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def download_job_log(session: Reading, resources: Res, job_id: str) -> Response:
    """The whole log as a file."""
    job = queries.get_job(session, job_id)
    headers = {"Content-Disposition": f'attachment; filename="{job.id}.log"'}
    content = _whole(resources, job.reused_from or job.id)
    return StreamingResponse(content, media_type="text/plain; charset=utf-8", headers=headers)


def _whole(resources: Resources, job_id: str) -> Iterator[bytes]:
    place: tuple[int, int] | None = None
    while True:
        with resources.read() as session:
            chunks = queries.job_logs(session, job_id, after=place, limit=CHUNKS_PER_ANSWER)
        if not chunks:
            return
        yield "".join(chunk.text for chunk in chunks).encode()
        place = (chunks[-1].token, chunks[-1].offset)
