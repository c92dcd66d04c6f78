"""Submits once, however often a client repeats itself."""

from collections.abc import Callable
from typing import Annotated, NamedTuple, TypeVar

from fastapi import Depends, Header, Response
from pydantic import AfterValidator
from sqlalchemy import event
from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.spec import Spec, canonical_hash
from service.api.access import CallerDep
from service.api.dependencies import Resources
from service.api.problems import fault, invalid
from service.db.models import Experiment, IdempotencyKey, Job
from service.jobs.idempotency import scoped
from service.jobs.submit import UnknownCheckpointError

RowT = TypeVar("RowT", Experiment, Job)
Check = Callable[[], DatasetReport | None]
Write = Callable[[Session, DatasetReport | None, tuple[str, str] | None], RowT]


def _printable(value: str | None) -> str | None:
    if value is not None and not (value.isascii() and value.isprintable()):
        raise ValueError("use printable ASCII characters only, for instance a UUID")
    return value


_Sent = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same body gives what was made the first time",
    ),
    AfterValidator(_printable),
]


def _of_its_caller(caller: CallerDep, sent: _Sent = None) -> str | None:
    return None if sent is None else scoped(sent, caller.key_id)


IdempotencyHeader = Annotated[str | None, Depends(_of_its_caller)]
"""The header's key as the caller's own: nobody is given, or refused for, what another made with the same."""


class Submitted(NamedTuple):
    """What was submitted, and whether by an earlier request."""

    id: str
    replayed: bool

    def mark(self, response: Response, status_code: int = 201) -> None:
        """`status_code` for something new; 200 and a header for a repeat."""
        response.status_code = 200 if self.replayed else status_code
        if self.replayed:
            response.headers["Idempotency-Replayed"] = "true"


def submit(
    resources: Resources, spec: Spec, key: str | None, *, check: Check, write: Write[RowT]
) -> Submitted:
    """Check and write a submission, each only if its key is new. Committed when this returns.

    Checking may read thousands of images, so no transaction is open meanwhile.
    """
    idempotency = None if key is None else (key, canonical_hash(spec))
    report = None if key is not None and is_known(resources, key) else check()
    written: list[object] = []
    try:
        with resources.write.begin() as session:
            event.listen(session, "pending_to_persistent", lambda _, row: written.append(row))
            row = write(session, report, idempotency)
            return Submitted(row.id, replayed=row not in written)
    except UnknownCheckpointError as error:
        raise invalid(fault(error.field, str(error))) from error


def is_known(resources: Resources, key: str) -> bool:
    """Whether a request came before with this key."""
    with resources.read() as session:
        return session.get(IdempotencyKey, key) is not None
