"""Which checkpoints an experiment keeps: its policy, and what may go by it because nothing needs it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from service.db.leases import now
from service.db.models import Checkpoint, Experiment, Job, JobDependency, RetentionPolicy
from service.db.states import MOVES, JobState

FINAL = frozenset(state for state, moves in MOVES.items() if not moves)
"""Jobs in these states never go on, so that nobody needs what they would go on from."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is kept of an experiment's ended jobs; at least one rule is set. See `RetentionPolicy`."""

    best: bool = True
    last: bool = True
    every_epochs: int | None = None
    every_steps: int | None = None
    days: float | None = None

    def keeps(self, checkpoint: Checkpoint, moment: datetime) -> bool:
        """Whether a rule names the checkpoint."""
        kind = checkpoint.kind
        is_state = kind == CheckpointKind.STATE
        return (
            (self.best and kind == CheckpointKind.BEST)
            or (self.last and kind in (CheckpointKind.WEIGHTS, CheckpointKind.EXPORT))
            or (is_state and _is_due(checkpoint.epoch, self.every_epochs))
            or (is_state and _is_due(checkpoint.step, self.every_steps))
            or (self.days is not None and checkpoint.created_at > moment - timedelta(days=self.days))
        )

    def __str__(self) -> str:
        rules = {
            "best": self.best,
            "last": self.last,
            f"every {self.every_epochs} epochs": self.every_epochs,
            f"every {self.every_steps} steps": self.every_steps,
            f"younger than {self.days or 0:.15g} days": self.days is not None,
        }
        return ", ".join(name for name, is_set in rules.items() if is_set)


@dataclass(frozen=True, kw_only=True)
class SpareCheckpoint:
    """A checkpoint that no rule keeps and nothing needs. `policy` is what its experiment keeps instead."""

    row: Checkpoint
    experiment_id: str
    experiment_name: str
    policy: Policy


def policy_of(session: Session, experiment_id: str) -> Policy | None:
    """What the experiment keeps; None where it keeps everything."""
    row = session.get(RetentionPolicy, experiment_id)
    return None if row is None else _policy(row)


def policies_of(session: Session, experiment_ids: Collection[str]) -> dict[str, Policy]:
    """By experiment, what it keeps; without those that keep everything."""
    statement = select(RetentionPolicy).where(RetentionPolicy.experiment_id.in_(experiment_ids))
    return {row.experiment_id: _policy(row) for row in session.scalars(statement)}


def set_policy(session: Session, experiment_id: str, policy: Policy | None) -> None:
    """Have the experiment keep this, or everything. Raises NoResultFound."""
    session.get_one(Experiment, experiment_id, with_for_update={"key_share": True})
    row = session.get(RetentionPolicy, experiment_id)
    if policy is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(RetentionPolicy(experiment_id=experiment_id, **vars(policy)))
    else:
        for name, value in vars(policy).items():
            setattr(row, name, value)
    session.flush()


def spare_checkpoints(session: Session) -> list[SpareCheckpoint]:
    """Those of experiments with a policy that it does not keep, less those that something needs.

    Needed are all checkpoints of jobs that can go on, stored weights that a specification names, the newest
    weights of a job that others learn from, and results that a job which is yet to run may take over.
    """
    moment = now(session)
    statement = (
        select(Checkpoint, Experiment, RetentionPolicy)
        .join(Job, Job.id == Checkpoint.job_id)
        .join(Experiment, Experiment.id == Job.experiment_id)
        .join(RetentionPolicy, RetentionPolicy.experiment_id == Experiment.id)
        .where(Job.state.in_(FINAL), ~_awaited())
        .order_by(Experiment.created_at, Experiment.id, Job.position, Checkpoint.step, Checkpoint.kind)
        .execution_options(populate_existing=True)
    )
    found = [
        SpareCheckpoint(
            row=row, experiment_id=experiment.id, experiment_name=experiment.name, policy=_policy(kept)
        )
        for row, experiment, kept in session.execute(statement)
        if not _policy(kept).keeps(row, moment)
    ]
    if not found:
        return []
    needed = {*_named(session), *_teachers(session)}
    return [spare for spare in found if spare.row.id not in needed]


def lock_jobs_of(session: Session, spares: Sequence[SpareCheckpoint]) -> None:
    """Keep others from taking over these jobs' results, or going on with them, until the transaction ends."""
    ids = {spare.row.job_id for spare in spares}
    locked = select(Job.id).where(Job.id.in_(ids)).order_by(Job.experiment_id, Job.position)
    session.scalars(locked.with_for_update()).all()


def _policy(row: RetentionPolicy) -> Policy:
    return Policy(
        best=row.best,
        last=row.last,
        every_epochs=row.every_epochs,
        every_steps=row.every_steps,
        days=row.days,
    )


def _is_due(count: int, every: int | None) -> bool:
    return every is not None and count > 0 and count % every == 0


def _awaited() -> ColumnElement[bool]:
    """Whether a job that has not run yet may take over the result of this one."""
    waiting = select(Job.job_key).where(Job.reuse, Job.token == 0, Job.state.not_in(FINAL))
    return (Job.state == JobState.SUCCEEDED) & Job.job_key.in_(waiting)


def _named(session: Session) -> Iterator[str]:
    """What specifications name as checkpoints: ids, and paths and addresses too."""
    for places in (
        (Job.spec["checkpoint"], Job.spec["teacher"]["checkpoint"]),
        (Experiment.spec["teacher"]["checkpoint"], Experiment.spec["student"]["checkpoint"]),
    ):
        for place in places:
            name = place.as_string()
            yield from session.scalars(select(name).where(name.is_not(None)).distinct())


def _teachers(session: Session) -> Iterator[str]:
    """The newest weights of every job that another one learns from."""
    newest = (
        select(Checkpoint.job_id, func.max(Checkpoint.step).label("step"))
        .join(JobDependency, JobDependency.depends_on_id == Checkpoint.job_id)
        .where(JobDependency.role == "teacher", Checkpoint.kind == CheckpointKind.WEIGHTS.value)
        .group_by(Checkpoint.job_id)
        .subquery()
    )
    yield from session.scalars(
        select(Checkpoint.id)
        .join(newest, (newest.c.job_id == Checkpoint.job_id) & (newest.c.step == Checkpoint.step))
        .where(Checkpoint.kind == CheckpointKind.WEIGHTS.value)
    )
