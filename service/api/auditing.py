"""Records what each request changes, in the transaction of the change, whatever route it came to.

Routes need do nothing for it: a session that writes for an unsafe request leaves an entry as it commits.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.access import address_of, caller_of
from service.api.same_origin import SAFE_METHODS
from service.db import audit
from service.db.models import Experiment, IdempotencyKey, Job

UNAUDITED = "frs_unaudited"
"""A session with this in its `info` keeps books that are no change of anybody's, such as a key's last use."""
_TRAIL = "frs_trail"
_request: ContextVar[Request | None] = ContextVar("frs_request", default=None)


class Remembered:
    """Lets the sessions of a request know which one it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = _request.set(Request(scope))
        try:
            await self._app(scope, receive, send)
        finally:
            _request.reset(token)


def record(factory: sessionmaker[Session]) -> None:
    """Have the sessions of this factory write the audit trail, and give what is new to whoever made it."""
    event.listen(factory, "before_flush", _before_flush)
    event.listen(factory, "do_orm_execute", _before_statement)
    event.listen(factory, "before_commit", _before_commit)


@dataclass
class _Trail:
    """What a transaction has changed so far. `named` are the subjects in the request's path."""

    request: Request
    named: dict[audit.Subject, audit.View | None]
    roots: list[Any] = field(default_factory=list)

    @classmethod
    def of(cls, session: Session) -> "_Trail | None":
        """That of the session, from its first change on; None where nobody asked for it."""
        request = _request.get()
        if request is None or request.method in SAFE_METHODS or session.info.get(UNAUDITED):
            return None
        if _TRAIL not in session.info:
            session.info[_TRAIL] = cls(request, {})  # first: looking up the subjects is no change
            with session.no_autoflush:
                subjects = [
                    audit.find(session, name.removesuffix("_id"), str(value))
                    for name, value in request.path_params.items()
                    if name.endswith("_id")
                ]
                session.info[_TRAIL].named |= {each: audit.view(session, each) for each in subjects}
        trail: _Trail = session.info[_TRAIL]
        return trail

    def write(self, session: Session, told: audit.View | None) -> None:
        """The entries: of what is new, else of what the path names, else of what was `told`."""
        actor, action = _actor(self.request), _action(self.request)
        for row in self.roots:
            subject = audit.subject_of(row)
            _, after = audit.differing(None, audit.view(session, subject))
            audit.write(session, actor, action, subject, before=None, after=_with_origin(after, self.named))
        if self.roots:
            return
        for subject, before in self.named.items():
            pair = audit.differing(before, audit.view(session, subject))
            audit.write(session, actor, action, subject, before=pair[0], after=pair[1])
        if not self.named:
            audit.write(session, actor, action, audit.Subject(kind="", id=None), before=told, after=None)


def _before_flush(session: Session, *_: object) -> None:
    for row in session.new:
        if isinstance(row, Experiment | Job) and row.owner_key_id is None:
            row.owner_key_id = _owner(session, row)
    if (session.new or session.dirty or session.deleted) and (trail := _Trail.of(session)) is not None:
        trail.roots += [row for row in session.new if _is_root(row)]


def _before_statement(state: ORMExecuteState) -> None:
    changes = state.is_insert or state.is_update or state.is_delete
    mapper = state.bind_mapper
    # a repeated submission looks for its key by an upsert that changes nothing
    if changes and (mapper is None or mapper.class_ is not IdempotencyKey):
        _Trail.of(state.session)


def _before_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    told = session.info.pop(audit.TOLD, None)
    trail = session.info.get(_TRAIL) if told is None else _Trail.of(session)
    session.info.pop(_TRAIL, None)
    if trail is not None:
        trail.write(session, told)


def _is_root(row: Any) -> bool:
    """Whether it is a thing of its own and no part or trace of another."""
    if isinstance(row, Job):
        return row.experiment_id is None
    columns = row.__table__.columns
    return "id" in columns and "job_id" not in columns and "experiment_id" not in columns


def _owner(session: Session, row: Experiment | Job) -> str | None:
    """The key that is answerable for it: a job's experiment's, else the caller's."""
    if isinstance(row, Job) and row.experiment_id is not None:
        with session.no_autoflush:
            experiment = session.get(Experiment, row.experiment_id)
        if experiment is not None:
            return experiment.owner_key_id
    request = _request.get()
    caller = None if request is None else caller_of(request.scope)
    return (caller.key_id or None) if caller is not None else None


def _with_origin(after: audit.View | None, named: Mapping[audit.Subject, object]) -> audit.View:
    return {**(after or {}), **{f"from_{each.kind}": each.id for each in named}}


def _action(request: Request) -> str:
    route, endpoint = request.scope.get("route"), request.scope.get("endpoint")
    return str(getattr(route, "name", None) or getattr(endpoint, "__name__", request.method))


def _actor(request: Request) -> audit.Actor:
    caller = caller_of(request.scope)
    return audit.Actor(
        key_id=(caller.key_id or None) if caller else None,
        key_name=caller.name if caller else "local",
        role=caller.role.value if caller else "",
        address=address_of(request),
        request_id=request.scope.get("request_id"),
    )
