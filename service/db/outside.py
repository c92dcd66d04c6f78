"""Rows of a comparison that come from outside: what was imported and judged here, and what is only cited."""

from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.db.files import forget_draws, matches_of, uris_of
from service.db.leases import now
from service.db.models import CitedRow, Event, Experiment, IdempotencyKey, Job
from service.db.preflight import PREFLIGHT
from service.db.recording import unreferenced
from service.db.states import JobState

EXTERNAL = "external"
"""The role of a job that judges what was made elsewhere."""

_CHANGED = "experiment.outside"
"""The kind of event that says so of an experiment's rows."""


class LabelTakenError(ValueError):
    """A row of this label is there."""

    def __init__(self, label: str) -> None:
        super().__init__(f"there is a row {label!r} already: give another label, or remove that row first")


class NoRowError(LookupError):
    """There is no row of this label that came from outside."""


class RowRunningError(RuntimeError):
    """A row whose job runs cannot be removed."""


def outside_labels(session: Session, experiment_id: str) -> set[str]:
    """The labels of the rows that came from outside."""
    external = select(Job.label).where(Job.experiment_id == experiment_id, Job.role == EXTERNAL)
    cited = select(CitedRow.label).where(CitedRow.experiment_id == experiment_id)
    return {*session.scalars(external), *session.scalars(cited)}


def hold_label(session: Session, experiment_id: str, label: str) -> Experiment:
    """The experiment, locked, in which no row is called so. Raises NoResultFound and LabelTakenError."""
    experiment = session.get_one(
        Experiment, experiment_id, with_for_update={"key_share": True}, populate_existing=True
    )
    own = select(Job.label).where(Job.experiment_id == experiment_id, Job.role != PREFLIGHT)
    if label in {*session.scalars(own), *outside_labels(session, experiment_id)}:
        raise LabelTakenError(label)
    return experiment


def cite(
    session: Session,
    experiment_id: str,
    *,
    label: str,
    metrics: Mapping[str, float],
    source: str,
    url: str | None,
) -> CitedRow:
    """Add a row of published numbers (fractions). Raises NoResultFound and LabelTakenError."""
    experiment = hold_label(session, experiment_id, label)
    row = CitedRow(
        experiment_id=experiment_id,
        label=label,
        metrics=dict(metrics),
        source=source,
        url=url,
        created_at=now(session),
    )
    session.add(row)
    note_change(session, experiment, f"{label} was cited")
    session.flush()
    return row


def uncite(session: Session, experiment_id: str, label: str) -> None:
    """Take a cited row away. Raises NoResultFound and NoRowError."""
    experiment = session.get_one(Experiment, experiment_id, with_for_update={"key_share": True})
    row = session.get(CitedRow, (experiment_id, label))
    if row is None:
        raise NoRowError(f"{experiment.name} cites no {label!r}")
    session.delete(row)
    note_change(session, experiment, f"{label} is cited no more")
    session.flush()


def remove_external(session: Session, experiment_id: str, label: str) -> list[str]:
    """Take an imported row away, with its job and all that this recorded.

    Returns the URIs that nothing refers to any longer; delete the files after the commit. Raises
    NoResultFound, NoRowError, and RowRunningError while its job runs.
    """
    experiment = session.get_one(Experiment, experiment_id, with_for_update={"key_share": True})
    row = select(Job).where(Job.experiment_id == experiment_id, Job.role == EXTERNAL, Job.label == label)
    job = session.scalars(row.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if job is None:
        raise NoRowError(f"{experiment.name} has imported no {label!r}")
    if job.state is JobState.RUNNING:
        raise RowRunningError(f"{label} is being judged: cancel job {job.id}, wait, then remove it")
    uris, hashes = uris_of(session, Job.id == job.id), matches_of(session, Job.id == job.id)
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.resource_id == job.id))
    session.execute(delete(Job).where(Job.id == job.id))
    forget_draws(session, hashes)
    note_change(session, experiment, f"{label} was removed")
    session.flush()
    return unreferenced(session, uris)


def note_change(session: Session, experiment: Experiment, what: str) -> None:
    """Write the event of a row that came or went."""
    message = f"{experiment.name}: {what}"
    session.add(Event(experiment_id=experiment.id, kind=_CHANGED, message=message, created_at=now(session)))
