"""The audit trail: who changed what, how it was before and after, and from where."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime

from service.api.dependencies import Cursor, Limit, Reading, no_null
from service.api.views import Page, View
from service.db import trail
from service.db.trail import Wanted

router = APIRouter(tags=["access"])
Word = Annotated[str | None, Query(max_length=200), AfterValidator(no_null)]


class AuditView(View):
    """One change. `before` and `after` hold what differs; of what came or went, all that is told of it.

    `key_id` is null for what needed no key. Both empty: it was asked for again, and was so already.
    """

    id: int
    created_at: datetime
    key_id: str | None
    key_name: str
    role: str
    address: str | None
    request_id: str | None
    action: str
    subject_kind: str
    subject_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def asked_entries(
    *,
    key: Annotated[Word, Query(description="A key's id or its name")] = None,
    action: Annotated[Word, Query(description="A route's name, as cancel_job")] = None,
    subject: Annotated[Word, Query(description="The beginning of an id, or a kind, as experiment")] = None,
    since: Annotated[AwareDatetime | None, Query(description="With its time zone")] = None,
) -> Wanted:
    """What a request asks for."""
    # a form sends what is left empty, too
    return Wanted(key=key or None, action=action or None, subject=subject or None, since=since)


@router.get("/audit")
def list_audit(
    session: Reading,
    *,
    wanted: Annotated[Wanted, Depends(asked_entries)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditView]:
    """Every change that was made by the API or a page, newest first."""
    page = trail.list_entries(session, wanted, limit=limit, cursor=cursor)
    return Page(items=tuple(map(AuditView.model_validate, page.items)), next_cursor=page.next_cursor)
