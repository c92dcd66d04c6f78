"""What is done to an experiment as a whole, besides submitting and cancelling it."""

from collections.abc import Iterable

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from service.db.files import forget_draws, matches_of, uris_of
from service.db.leases import now
from service.db.models import Experiment, ExperimentTag, IdempotencyKey, Job
from service.db.recording import unreferenced
from service.db.states import JobState


class ExperimentRunningError(RuntimeError):
    """An experiment with running jobs cannot be deleted."""

    def __init__(self, experiment_id: str, num_running: int) -> None:
        super().__init__(
            f"experiment {experiment_id} has {num_running} running jobs: cancel it, wait until "
            "they have stopped, then delete it"
        )


def set_archived(session: Session, experiment_id: str, *, archived: bool) -> None:
    """Take an experiment out of the usual lists, or put it back. Raises NoResultFound."""
    experiment = session.get_one(Experiment, experiment_id)
    if archived != (experiment.archived_at is not None):
        experiment.archived_at = now(session) if archived else None
    session.flush()


def set_tags(session: Session, experiment_id: str, tags: Iterable[str]) -> None:
    """Replace an experiment's tags. Raises NoResultFound."""
    session.get_one(Experiment, experiment_id, with_for_update=True)
    session.execute(delete(ExperimentTag).where(ExperimentTag.experiment_id == experiment_id))
    session.add_all(ExperimentTag(experiment_id=experiment_id, tag=tag) for tag in sorted(set(tags)))
    session.flush()


def delete_experiment(session: Session, experiment_id: str) -> list[str]:
    """Delete an experiment and all that its jobs recorded.

    Returns the URIs that nothing refers to any longer; delete the files after the commit.
    Raises NoResultFound, and ExperimentRunningError while a job runs.
    """
    session.get_one(Experiment, experiment_id, with_for_update=True)  # no row is added from here on
    states = select(Job.state).where(Job.experiment_id == experiment_id)
    locked = session.scalars(states.order_by(Job.position).with_for_update())
    num_running = sum(state is JobState.RUNNING for state in locked)
    if num_running:
        raise ExperimentRunningError(experiment_id, num_running)
    own = Job.experiment_id == experiment_id
    uris, drawn_from = uris_of(session, own), matches_of(session, own)
    made = IdempotencyKey.resource_id
    its_jobs = made.in_(select(Job.id).where(own))
    session.execute(delete(IdempotencyKey).where(or_(made == experiment_id, its_jobs)))
    session.execute(delete(Experiment).where(Experiment.id == experiment_id))
    forget_draws(session, drawn_from)
    return unreferenced(session, uris)
