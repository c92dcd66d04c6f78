"""Who checks a registered version, and what came of it. Survives whoever began: a lease runs out."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session, joinedload

from frs_core.datasets.records import DatasetReport
from frs_core.datasets.statistics import DatasetStatistics
from service.db.datasets import tell
from service.db.leases import now
from service.db.models import Dataset, DatasetVersion, Job
from service.db.states import TERMINAL, DatasetState, JobState

MAX_CHECKS = 3
"""So often a check may die, as of a lack of memory, before the version is given up."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a check found; `reason` where the data could not even be looked at."""

    report: DatasetReport | None = None
    statistics: DatasetStatistics | None = None
    reason: str | None = None


def has_unchecked(session: Session) -> bool:
    """Whether a version waits for a check that the server does itself."""
    return session.scalar(_unchecked(session).limit(1)) is not None


def claim_check(session: Session, checker: str, *, lease_seconds: float) -> DatasetVersion | None:
    """Take the oldest version that waits, or whose checker was not heard of; None where there is none."""
    moment = now(session)
    first = _unchecked(session).order_by(DatasetVersion.created_at, DatasetVersion.id).limit(1)
    taken = session.scalars(
        update(DatasetVersion)
        .where(DatasetVersion.id == first.with_for_update(skip_locked=True).scalar_subquery())
        .values(
            state=DatasetState.CHECKING,
            checker=checker,
            checking_until=moment + timedelta(seconds=lease_seconds),
            num_checks=DatasetVersion.num_checks + 1,
        )
        .returning(DatasetVersion.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is None:
        return None
    row = session.get_one(
        DatasetVersion, taken, options=[joinedload(DatasetVersion.dataset)], populate_existing=True
    )
    tell(session, f"{row.dataset.name}: a version is being checked", row)
    return row


def renew_check(session: Session, version_id: str, checker: str, *, lease_seconds: float) -> bool:
    """Say that the check goes on; False where it is another's by now, or the version is gone."""
    found = session.execute(
        update(DatasetVersion)
        .where(DatasetVersion.id == version_id, DatasetVersion.checker == checker)
        .values(checking_until=now(session) + timedelta(seconds=lease_seconds))
        .execution_options(synchronize_session=False)
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]


def finish_check(session: Session, version_id: str, checker: str, outcome: Outcome) -> DatasetVersion | None:
    """Write what was found; None where the check is another's by now. Files of a version without a number
    of its own are the caller's to remove."""
    row = _held(session, DatasetVersion.id == version_id)
    if row is None or row.checker != checker:
        return None
    _settle(session, row, outcome)
    return row


def take_version_report(
    session: Session, job_id: str, report: DatasetReport, statistics: DatasetStatistics | None
) -> None:
    """Write what a worker found that looked at a version, if that is what the job was for."""
    row = _held(session, DatasetVersion.check_job_id == job_id)
    if row is not None and row.state is DatasetState.CHECKING:
        _settle(session, row, Outcome(report=report, statistics=statistics))


def settle_ended_jobs(session: Session) -> None:
    """Give up the versions whose job on a worker ended without a word about them."""
    statement = (
        select(DatasetVersion.id, Job)
        .join(Job, Job.id == DatasetVersion.check_job_id)
        .where(DatasetVersion.state == DatasetState.CHECKING, Job.state.in_(TERMINAL))
    )
    for version_id, job in session.execute(statement).all():
        row = _held(session, DatasetVersion.id == version_id)
        if row is not None and row.state is DatasetState.CHECKING:
            was = "said nothing" if job.state is JobState.SUCCEEDED else job.state.value
            reason = f"the job that looked at it on a worker {was}: {job.reason or job.id}"
            _settle(session, row, Outcome(reason=reason))


def give_up_dying(session: Session) -> None:
    """Fail the versions whose checks died too often."""
    statement = select(DatasetVersion.id).where(
        DatasetVersion.state == DatasetState.CHECKING,
        DatasetVersion.check_job_id.is_(None),
        DatasetVersion.num_checks >= MAX_CHECKS,
        DatasetVersion.checking_until < now(session),
    )
    for version_id in session.scalars(statement).all():
        row = _held(session, DatasetVersion.id == version_id)
        if row is not None:
            reason = f"the check died {row.num_checks} times, as where memory runs out: see the keeper's log"
            _settle(session, row, Outcome(reason=reason))


def _unchecked(session: Session) -> Any:
    return select(DatasetVersion.id).where(
        DatasetVersion.check_job_id.is_(None),
        or_(
            DatasetVersion.state == DatasetState.REGISTERED,
            and_(
                DatasetVersion.state == DatasetState.CHECKING,
                DatasetVersion.num_checks < MAX_CHECKS,
                DatasetVersion.checking_until < now(session),
            ),
        ),
    )


def _held(session: Session, condition: Any) -> DatasetVersion | None:
    """The version with its data set, both locked: numbers are given one at a time."""
    dataset_id = session.scalars(select(DatasetVersion.dataset_id).where(condition)).one_or_none()
    if dataset_id is None:
        return None
    session.get_one(Dataset, dataset_id, with_for_update=True, populate_existing=True)
    statement = select(DatasetVersion).where(condition).options(joinedload(DatasetVersion.dataset))
    return session.scalars(
        statement.with_for_update(of=DatasetVersion).execution_options(populate_existing=True)
    ).one_or_none()


def _settle(session: Session, row: DatasetVersion, outcome: Outcome) -> None:
    row.checked_at, row.checker, row.checking_until = now(session), None, None
    row.reason = outcome.reason
    row.report = None if outcome.report is None else outcome.report.model_dump(mode="json")
    row.statistics = None if outcome.statistics is None else outcome.statistics.model_dump(mode="json")
    content_hash = None if outcome.report is None else outcome.report.dataset_hash
    if content_hash is None:
        row.state = DatasetState.FAILED
    else:
        row.state, row.content_hash = DatasetState.READY, content_hash
        _number(session, row, content_hash)
    session.flush()
    what = f"version {row.number}" if row.number else "a version"
    tell(session, f"{row.dataset.name}: {what} is {row.state.value}", row)


def _number(session: Session, row: DatasetVersion, content_hash: str) -> None:
    """The next number for new content. Known content keeps its number, and moves to a folder named later."""
    same = session.scalars(
        select(DatasetVersion)
        .where(
            DatasetVersion.dataset_id == row.dataset_id,
            DatasetVersion.content_hash == content_hash,
            DatasetVersion.number.is_not(None),
        )
        .limit(1)
    ).one_or_none()
    if same is None:
        row.dataset.last_number += 1
        row.number = row.dataset.last_number
        return
    row.same_as_id = same.id
    if same.archive_uri is None and row.archive_uri is None:
        same.spec = row.spec
