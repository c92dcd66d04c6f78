"""Tags, archive and deletion of an experiment."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import ArtifactEvent, CheckpointKind, EvaluationEvent, MetricEvent, WarningEvent
from service.comparison.standing import refresh
from service.db import experiments, ledger, outside, queries, standings
from service.db.models import Base, ResampledAp, RetentionPolicy, StandingsWatermark, Worker
from service.db.states import JobState
from service.jobs.submit import submit_experiment
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import MakeSpec, Submit

Sessions = sessionmaker[Session]
OF_NO_EXPERIMENT = {
    *("api_keys", "audit_entries", "login_tickets", "signing_secrets", "chore_runs", "ended_sessions"),
    *("webhooks", "notices", "deliveries", "delivery_tries", "mlflow_runs"),
    *("datasets", "dataset_versions", "dataset_uses"),
}
"""What others than experiments leave in the database."""


def _full_tables(sessions: Sessions) -> set[str]:
    with sessions() as session:
        return {
            table.name
            for table in Base.metadata.sorted_tables
            if session.scalar(select(func.count()).select_from(table))
        }


def _record_everything(sessions: Sessions, hand: Hand, lease: ledger.Lease) -> None:
    evaluation = EvaluationEvent(
        time=0.0, split="val", step=1, epoch=1, evaluator="e", dataset_hash="h", num_images=1, num_boxes=1,
        metrics={"ap": 0.5},
    )  # fmt: skip
    artifact = ArtifactEvent(
        time=0.0, name="matches_val.npz", path="m.npz", media_type="x/x", sha256="0" * 64, size_bytes=1
    )
    with sessions.begin() as session:
        events = [
            MetricEvent(time=0.0, step=1, values={"a": 1.0}),
            evaluation,
            WarningEvent(time=0.0, code="c", message="m"),
        ]
        ledger.record(session, lease, events)
        ledger.record_artifact(session, lease, artifact, uri="artifact")
        ledger.append_log(session, lease, offset=0, text="log")
        session.add(ResampledAp(matches_sha256="0" * 64, num_draws=0, values=b""))
    hand.save(lease, CheckpointKind.STATE, 1, uri="state")
    hand.save(lease, CheckpointKind.WEIGHTS, 1, uri="weights")


def test_tags_are_replaced_as_a_whole(submit: Submit, sessions: Sessions) -> None:
    experiment_id = submit(tags=["old", "both"])
    with sessions.begin() as session:
        experiments.set_tags(session, experiment_id, ["new", "both", "new"])
    with sessions() as session:
        found = queries.get_experiment(session, experiment_id)
        assert [tag.tag for tag in found.tags] == ["both", "new"]


def test_an_archived_experiment_can_be_put_back(submit: Submit, sessions: Sessions) -> None:
    experiment_id = submit()
    for archived in (True, True, False):
        with sessions.begin() as session:
            experiments.set_archived(session, experiment_id, archived=archived)
        with sessions() as session:
            assert (queries.get_experiment(session, experiment_id).archived_at is not None) is archived


def test_archiving_again_keeps_the_first_moment(submit: Submit, sessions: Sessions) -> None:
    experiment_id = submit()
    moments = []
    for _ in range(2):
        with sessions.begin() as session:
            experiments.set_archived(session, experiment_id, archived=True)
        with sessions() as session:
            moments.append(queries.get_experiment(session, experiment_id).archived_at)
    assert moments[0] == moments[1]


def test_deleting_an_experiment_leaves_nothing_and_names_its_files(
    hand: Hand, sessions: Sessions, make_spec: MakeSpec
) -> None:
    with sessions.begin() as session:
        spec = make_spec(tags=["x"])
        experiment = submit_experiment(session, spec, dataset_report=None, idempotency=("key", "body"))
    lease = hand.take()
    _record_everything(sessions, hand, lease)
    hand.finish(lease)
    with sessions.begin() as session:
        outside.cite(session, experiment.id, label="paper", metrics={"ap": 0.4}, source="x", url=None)
        session.add(RetentionPolicy(experiment_id=experiment.id, best=False, last=True))
    refresh(sessions, sessions)
    with sessions.begin() as session:
        standings.advance(session, 1)
    full = {table.name for table in Base.metadata.sorted_tables} - OF_NO_EXPERIMENT
    assert _full_tables(sessions) == full
    with sessions.begin() as session:
        uris = experiments.delete_experiment(session, experiment.id)
    assert uris == ["artifact", "state", "weights"]
    assert _full_tables(sessions) == {Worker.__tablename__, StandingsWatermark.__tablename__}


def test_an_experiment_with_a_running_job_is_not_deleted(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit()
    hand.take()
    with (
        pytest.raises(experiments.ExperimentRunningError, match="1 running"),
        sessions.begin() as session,
    ):
        experiments.delete_experiment(session, experiment_id)
    assert hand.jobs(experiment_id)[0].state is JobState.RUNNING


def test_a_file_that_another_experiment_uses_is_not_named(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    first, _ = submit(), submit()
    for own in ("own", "other"):
        lease = hand.take()
        hand.save(lease, CheckpointKind.WEIGHTS, 1, uri="shared")
        hand.save(lease, CheckpointKind.EXPORT, 1, uri=own)
        hand.finish(lease)
    with sessions.begin() as session:
        assert experiments.delete_experiment(session, first) == ["own"]


def test_what_is_not_there_is_not_changed(sessions: Sessions) -> None:
    with sessions() as session:
        with pytest.raises(NoResultFound):
            experiments.delete_experiment(session, "0" * 16)
        with pytest.raises(NoResultFound):
            experiments.set_tags(session, "0" * 16, ["x"])
        with pytest.raises(NoResultFound):
            experiments.set_archived(session, "0" * 16, archived=True)
