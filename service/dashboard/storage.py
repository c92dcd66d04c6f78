"""The page of the stored files: what they take, whose they are, and what could go."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.api.dependencies import Reading, Res
from service.api.storage import GarbagePlan, ShareView, get_storage, plan_view
from service.artifacts import ArtifactError
from service.dashboard.rendering import render
from service.db.retention import policies_of
from service.jobs.collect import make_plan

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN_GARBAGE = 50
KINDS = {
    "state": "states, to go on from",
    "best": "best weights",
    "weights": "last weights",
    "export": "exports for mmdet",
    "artifact": "other files",
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A share with its part of the longest bar."""

    share: ShareView
    name: str
    part: float


@router.get("/storage")
def show_storage(request: Request, session: Reading, resources: Res) -> HTMLResponse:
    """What the files take, by kind and experiment; what is free; what garbage collection would delete."""
    usage = get_storage(session, resources)
    return render(
        request,
        "storage.html",
        usage=usage,
        kinds=_bars(usage.by_kind),
        experiments=_bars(usage.by_experiment),
        policies=policies_of(session, [share.id for share in usage.by_experiment if share.id]),
        plan=_plan(resources),
        shown=SHOWN_GARBAGE,
    )


def _bars(shares: Sequence[ShareView]) -> list[Bar]:
    longest = max((share.size_bytes for share in shares), default=0) or 1
    return [
        Bar(
            share=share,
            name=share.name if share.id else KINDS.get(share.name, share.name),
            part=share.size_bytes / longest,
        )
        for share in shares
    ]


def _plan(resources: Res) -> GarbagePlan | None:
    """None while the store cannot be looked at."""
    try:
        return plan_view(make_plan(resources.read, resources.store), deleted=False)
    except (ArtifactError, OSError):
        return None
