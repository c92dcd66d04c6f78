"""The audit trail: how what is changed was before and after. Entries are written once and never changed."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import JSON, LargeBinary, Text, delete, insert, select
from sqlalchemy.orm import Mapper, Session

from service.db.leases import now
from service.db.models import (
    AuditEntry,
    Base,
    CitedRow,
    Dataset,
    DatasetVersion,
    Experiment,
    ExperimentTag,
    Job,
    RetentionPolicy,
    Webhook,
)
from service.db.types import ID_ALPHABET, ID_LENGTH, PrintedText

MAX_LENGTH = 200
MAX_JOBS = 50
"""So many of an experiment's jobs are told of one by one."""
TOLD = "frs_told"
"""Where a session keeps what `tell` said."""
_TABLES = {"key": "api_key"}
"""What paths and people call otherwise than the models do."""
_LONG = (JSON, Text, LargeBinary, PrintedText)
_UNTOLD = frozenset(
    {
        *("secret_sha256", "secret", "former_secret", "spec", "job_key"),
        *("rank", "token", "num_attempts", "queued_at", "started_at", "finished_at", "not_before"),
        *("phase", "step", "total_steps", "epoch", "total_epochs", "eta_seconds", "latest_loss", "latest_ap"),
        *("heartbeat_at", "last_used_at"),
    }
)
"""Secrets, and what changes by itself while jobs run."""
_RETENTION = ("best", "last", "every_epochs", "every_steps", "days")
View = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who makes a change, and from where."""

    key_id: str | None
    key_name: str
    role: str
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is changed. `kind` is a model's name in lower case, `key` for keys."""

    kind: str
    id: str | None


def find(session: Session, kind: str, prefix: str) -> Subject:
    """The subject whose id begins so; that prefix itself where no single one does."""
    mapper = _mapper(kind)
    if mapper is not None and mapper.class_ is Dataset:
        named = session.scalar(select(Dataset.id).where(Dataset.name == prefix))
        return Subject(kind=kind, id=named or prefix[:MAX_LENGTH])
    if mapper is not None and 4 <= len(prefix) <= ID_LENGTH and not set(prefix) - set(ID_ALPHABET):
        column = mapper.columns.id
        last = prefix.ljust(ID_LENGTH, ID_ALPHABET[-1])
        found = session.scalars(select(column).where(column >= prefix, column <= last).limit(2)).all()
        if len(found) == 1:
            return Subject(kind=kind, id=found[0])
    return Subject(kind=kind, id=prefix[:MAX_LENGTH])


def view(session: Session, subject: Subject) -> View | None:
    """What the database holds of it now, in short; None where there is no such row."""
    mapper = _mapper(subject.kind)
    if mapper is None:
        return None
    told = [each for each in mapper.columns if each.key not in _UNTOLD and not isinstance(each.type, _LONG)]
    row = session.execute(select(*told).where(mapper.columns.id == subject.id)).one_or_none()
    if row is None:
        return None
    found = {column.key: _plain(value) for column, value in zip(told, row, strict=True) if value is not None}
    if mapper.class_ is Experiment:
        found |= _parts(session, str(subject.id))
    if mapper.class_ is Webhook:
        found |= _errand(session, str(subject.id))
    if mapper.class_ is Dataset:
        versions = select(DatasetVersion.id).where(DatasetVersion.dataset_id == subject.id)
        found["versions"] = sorted(session.scalars(versions))
    return found


def differing(before: View | None, after: View | None) -> tuple[View | None, View | None]:
    """What differs of the two, with the name; of what came or went, all that is told of it."""
    if before is None or after is None:
        return _summary(before), _summary(after)
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    pair = []
    for side, other in ((before, after), (after, before)):
        told = {key: side[key] for key in keys if key in side}
        if "jobs" in told:
            told["jobs"] = _other_jobs(told["jobs"], other["jobs"])
        pair.append({"name": side["name"], **told} if "name" in side else told)
    return pair[0], pair[1]


def write(
    session: Session,
    actor: Actor,
    action: str,
    subject: Subject,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Add an entry in the transaction of the change that it tells of."""
    entry = {
        "created_at": now(session),
        "key_id": actor.key_id,
        "key_name": actor.key_name[:MAX_LENGTH],
        "role": actor.role[:16],
        "address": actor.address and actor.address[:64],
        "request_id": actor.request_id and actor.request_id[:64],
        "action": action[:64],
        "subject_kind": subject.kind[:32],
        "subject_id": subject.id,
        "before": before,
        "after": after,
    }
    session.connection().execute(insert(AuditEntry.__table__), entry)  # type: ignore[arg-type]


def tell(session: Session, before: View) -> None:
    """Say what this transaction takes away, for the entry of a request whose path names nothing."""
    session.info[TOLD] = before


def forget(session: Session, *, days: int) -> int:
    """Delete the entries older than that: the one way by which any goes. Returns how many went."""
    past = now(session) - timedelta(days=days)
    found = select(AuditEntry.id).where(AuditEntry.created_at < past).order_by(AuditEntry.id).limit(10_000)
    ids = session.scalars(found).all()
    session.execute(delete(AuditEntry).where(AuditEntry.id.in_(ids)))
    return len(ids)


def _mapper(kind: str) -> Mapper[Any] | None:
    wanted = _TABLES.get(kind, kind)
    for mapper in Base.registry.mappers:
        if name_of(mapper.class_) == wanted and "id" in mapper.columns:
            return mapper
    return None


def name_of(model: type) -> str:
    """A model's name as a path has it.

    >>> name_of(Experiment), name_of(AuditEntry)
    ('experiment', 'audit_entry')
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


def subject_of(row: Any) -> Subject:
    """The subject that a row is."""
    name = name_of(type(row))
    kind = next((told for told, table in _TABLES.items() if table == name), name)
    return Subject(kind=kind, id=str(row.id)[:MAX_LENGTH] if getattr(row, "id", None) else None)


def _parts(session: Session, experiment_id: str) -> View:
    """What belongs to an experiment and is changed with it."""
    tags = select(ExperimentTag.tag).where(ExperimentTag.experiment_id == experiment_id)
    cited = select(CitedRow.label).where(CitedRow.experiment_id == experiment_id)
    jobs = select(Job.id, Job.label, Job.state, Job.desired_state, Job.priority).where(
        Job.experiment_id == experiment_id
    )
    kept = session.execute(
        select(RetentionPolicy.__table__).where(RetentionPolicy.experiment_id == experiment_id)
    ).one_or_none()
    rules = {} if kept is None else kept._asdict()
    return {
        **{f"retention_{name}": value for name, value in rules.items() if value and name in _RETENTION},
        "tags": sorted(session.scalars(tags)),
        "cited": sorted(session.scalars(cited)),
        "jobs": {
            row.id: {
                "label": row.label,
                "state": row.state.value,
                "desired_state": row.desired_state.value,
                "priority": row.priority,
            }
            for row in session.execute(jobs.order_by(Job.position))
        },
    }


def _errand(session: Session, webhook_id: str) -> View:
    """What a webhook is told, and where."""
    row = session.execute(select(Webhook.url, Webhook.events).where(Webhook.id == webhook_id)).one()
    return {"url": told_address(row.url), "events": sorted(row.events)}


def told_address(url: str) -> str:
    """An address without what may be secret in it; another one of the same host is told otherwise.

    >>> told_address("https://hooks.example:8443/T01/secret?key=secret")
    'https://hooks.example:8443/... (sha256 5140d2c9)'
    """
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}/... (sha256 {sha256(url.encode()).hexdigest()[:8]})"[:MAX_LENGTH]


def _summary(found: View | None) -> View | None:
    if found is None or "jobs" not in found:
        return found
    return {**{key: value for key, value in found.items() if key != "jobs"}, "num_jobs": len(found["jobs"])}


def _other_jobs(jobs: View, others: View) -> View:
    told = {job_id: job for job_id, job in jobs.items() if others.get(job_id) != job}
    first = dict(list(told.items())[:MAX_JOBS])
    return first if len(first) == len(told) else {**first, "more": len(told) - len(first)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value[:MAX_LENGTH] if isinstance(value, str) else value
