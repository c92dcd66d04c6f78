"""Which job of the queue is a worker's next."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, literal, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.db.leases import now
from service.db.models import Job
from service.db.shares import first_within, spare_gpus
from service.db.states import DesiredState, JobState

ValueT = TypeVar("ValueT")


def has_claimable(
    session: Session, *, gpus: int, all_gpus: int | None = None, operators: bool = False
) -> bool:
    """Whether `take_first` would find a job."""
    moment = now(session)
    spare = spare_gpus(session) if gpus else {}
    first = _first_id(session, moment, all_gpus or gpus, operators, spare)
    needed = session.scalar(select(Job.gpus).where(Job.id == first))
    if needed is not None and needed > gpus:
        needed = session.scalar(_first(Job.gpus, moment, 0, operators))
    return needed is not None


def _claimable(moment: datetime, gpus: int, operators: bool) -> ColumnElement[bool]:
    # The state is spelled out, not bound: only then do both databases use the partial index ix_jobs_queue.
    return and_(
        text("jobs.state = 'queued'"),
        or_(Job.not_before.is_(None), Job.not_before <= moment),
        Job.gpus <= gpus,
        or_(~Job.compiled_operators, literal(operators)),
        Job.desired_state == DesiredState.RUN,
    )


def _first(
    column: InstrumentedAttribute[ValueT], moment: datetime, gpus: int, operators: bool
) -> Select[ValueT]:
    return select(column).where(_claimable(moment, gpus, operators)).order_by(Job.rank, Job.id).limit(1)


def _first_id(
    session: Session,
    moment: datetime,
    gpus: int,
    operators: bool,
    spare: Mapping[str, int],
    *,
    lock: bool = False,
) -> ScalarSelect[str] | str | None:
    """The first job: as a part of the statement that asks, or by its id where keys have limits.

    With `lock`, which a session that only reads may not, one that another worker is taking is passed over.
    """
    if not spare:
        first = _first(Job.id, moment, gpus, operators)
        return (first.with_for_update(skip_locked=True) if lock else first).scalar_subquery()
    return first_within(session, spare, _claimable(moment, gpus, operators), gpus)


def take_first(
    session: Session,
    moment: datetime,
    *,
    gpus: int,
    all_gpus: int,
    operators: bool,
    spare: Mapping[str, int],
) -> Job | None:
    first = _first_id(session, moment, all_gpus, operators, spare, lock=True)
    statement = (
        update(Job)
        .where(Job.id == first, _claimable(moment, all_gpus, operators), Job.gpus <= gpus)
        .values(
            state=JobState.RUNNING,
            token=Job.token + 1,
            num_attempts=Job.num_attempts + 1,
            started_at=moment,
            not_before=None,
            phase=None,
            eta_seconds=None,
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return session.scalars(statement).one_or_none()
