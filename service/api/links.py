"""Links to single files for browsers and programs that have no key."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from service.api.access import CallerDep
from service.api.dependencies import Reading, Res, Writing
from service.api.download import ANSWERS, Redirect, answer, artifact_file, checkpoint_file
from service.api.problems import ProblemError
from service.api.signing import LinkedFile, sign, verify
from service.api.views import View

MAX_SECONDS = 7 * 86400
router = APIRouter(tags=["files"])


class LinkRequest(BaseModel):
    """For how long the link is to be good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: int = Field(default=900, ge=1, le=MAX_SECONDS)


class FileLink(View):
    """An address that gives the file to whoever has it, until `expires_at` or until the key is revoked."""

    url: str
    expires_at: datetime


@router.post("/artifacts/{artifact_id}/link", status_code=201)
def link_artifact(
    session: Writing, request: Request, caller: CallerDep, artifact_id: str, wish: LinkRequest | None = None
) -> FileLink:
    """Make a link that needs no key, as a browser or wget follows."""
    file = artifact_file(session, artifact_id)
    linked = LinkedFile("artifact", artifact_id, file.sha256, caller.key_id)
    return _link(session, request, linked, wish or LinkRequest())


@router.post("/checkpoints/{checkpoint_id}/link", status_code=201)
def link_checkpoint(
    session: Writing, request: Request, caller: CallerDep, checkpoint_id: str, wish: LinkRequest | None = None
) -> FileLink:
    """Make a link that needs no key, as for artifacts."""
    file = checkpoint_file(session, checkpoint_id)
    linked = LinkedFile("checkpoint", checkpoint_id, file.sha256, caller.key_id)
    return _link(session, request, linked, wish or LinkRequest())


@router.head("/files/{link}", include_in_schema=False)
@router.get("/files/{link}", responses=ANSWERS, response_class=Response)
def download_linked(
    session: Reading, resources: Res, request: Request, link: str, redirect: Redirect = None
) -> Response:
    """The file of a link: 403 for a link that was made up or whose key is gone, 410 for one that is over."""
    linked = verify(session, link)
    find = artifact_file if linked.kind == "artifact" else checkpoint_file
    file = find(session, linked.id)
    if file.sha256 != linked.sha256:
        raise ProblemError(410, "link-expired", "the file was replaced since this link was made")
    return answer(resources, request, file, redirect=redirect)


def _link(session: Session, request: Request, file: LinkedFile, wish: LinkRequest) -> FileLink:
    text, until = sign(session, file, seconds=wish.seconds)
    return FileLink(url=f"{request.base_url}api/v1/files/{text}", expires_at=until)
