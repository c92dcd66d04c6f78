"""What the caller's key has in use, beside what it may have."""

from fastapi import APIRouter

from service.api.access import CallerDep
from service.api.dependencies import Reading, Res
from service.api.views import View
from service.db import quotas
from service.db.models import ApiKey

router = APIRouter(prefix="/me", tags=["access"])


class Limits(View):
    """What a key may have; null: as much as there is. `requests_per_minute` is the server's for all then."""

    max_queued_jobs: int | None
    max_running_gpus: int | None
    max_stored_bytes: int | None
    requests_per_minute: int


class UsageView(View):
    """What a key has. `queued_jobs` have yet to run.

    `stored_bytes` are of its jobs' checkpoints and files, and of the archives of data sets it sent.
    """

    key_id: str | None
    name: str
    role: str
    queued_jobs: int
    running_gpus: int
    stored_bytes: int
    limits: Limits


@router.get("/usage")
def get_usage(resources: Res, session: Reading, caller: CallerDep) -> UsageView:
    """How much of its limits the key of this request has used. Without a key: nothing, and no limits."""
    key = session.get(ApiKey, caller.key_id) if caller.key_id else None
    used = quotas.usage(session, caller.key_id)
    usual = resources.settings.requests_per_minute
    return UsageView(
        key_id=caller.key_id or None,
        name=caller.name,
        role=caller.role.value,
        queued_jobs=used.queued_jobs,
        running_gpus=used.running_gpus,
        stored_bytes=used.stored_bytes,
        limits=Limits(
            max_queued_jobs=key.max_queued_jobs if key else None,
            max_running_gpus=key.max_running_gpus if key else None,
            max_stored_bytes=key.max_stored_bytes if key else None,
            requests_per_minute=(key.requests_per_minute if key else None) or usual,
        ),
    )
