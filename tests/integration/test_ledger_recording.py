"""Recording: what is kept of what an attempt reports, and that a repeat changes nothing."""

import math
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.cost import Cost
from frs_core.events import (
    ArtifactEvent,
    CheckpointKind,
    CostEvent,
    EnvironmentEvent,
    EvaluationEvent,
    Event,
    MetricEvent,
    ProgressEvent,
    ResultEvent,
    WarningEvent,
)
from service.db import ledger, queries
from service.db.models import Attempt, Evaluation, Job, MetricPoint
from service.db.models import Event as EventRow
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


@pytest.fixture
def lease(hand: Hand, submit: Submit) -> ledger.Lease:
    """The lease of an attempt at a teacher's job."""
    submit()
    return hand.take()


def _record(sessions: Sessions, lease: ledger.Lease, *events: Event) -> None:
    with sessions.begin() as session:
        ledger.record(session, lease, events)


def _evaluation(step: int, ap: float | None, split: Any = "val") -> EvaluationEvent:
    return EvaluationEvent(
        time=0.0, split=split, step=step, epoch=1, evaluator="e 1", dataset_hash="h", num_images=4,
        num_boxes=9, metrics={"ap": ap, "ap_s": None}, per_class={"cell": {"ap": ap}},
    )  # fmt: skip


def test_metrics_come_back_unrounded_by_series_and_step(sessions: Sessions, lease: ledger.Lease) -> None:
    _record(
        sessions,
        lease,
        MetricEvent(time=2.5, step=2, values={"train/loss": 0.1 + 0.2, "train/lr": 1e-300}),
        MetricEvent(time=1.5, step=1, values={"train/loss": 1 / 3}),
    )
    with sessions() as session:
        loss, rate = queries.job_metrics(session, lease.job_id)
        only = queries.job_metrics(session, lease.job_id, names=["train/lr"])
        job = session.get_one(Job, lease.job_id)
    assert (loss.name, loss.steps, loss.values) == ("train/loss", (1, 2), (1 / 3, 0.1 + 0.2))
    assert (loss.times, loss.num_points, loss.nonfinite) == ((1.5, 2.5), 2, {})
    assert only == [rate]
    assert rate.values == (1e-300,)
    assert job.latest_loss is not None


def test_a_value_that_is_not_finite_is_kept_as_none_with_its_kind(
    sessions: Sessions, lease: ledger.Lease
) -> None:
    event = MetricEvent(time=0.0, step=3, values={"train/loss": None}, nonfinite={"train/loss": "-inf"})
    _record(sessions, lease, event)
    with sessions() as session:
        (series,) = queries.job_metrics(session, lease.job_id)
    assert (series.values, series.nonfinite) == ((None,), {3: "-inf"})


def test_events_recorded_twice_change_nothing(sessions: Sessions, lease: ledger.Lease) -> None:
    events: tuple[Event, ...] = (
        MetricEvent(time=1.0, step=1, values={"train/loss": 1.0}),
        _evaluation(1, 0.5),
        WarningEvent(time=1.0, code="tiny", message="two boxes are tiny", count=2, details={"split": "val"}),
    )
    for _ in range(2):
        _record(sessions, lease, *events)
    with sessions() as session:
        for table in (MetricPoint, Evaluation):
            assert session.scalar(select(func.count()).select_from(table)) == 1
        warning = session.scalars(select(EventRow).where(EventRow.kind == "job.warning")).one()
    assert warning.message == "two boxes are tiny"
    assert warning.data == {"code": "tiny", "count": 2, "details": {"split": "val"}}


def test_a_replayed_step_takes_its_new_value(sessions: Sessions, lease: ledger.Lease) -> None:
    for value in (1.0, 2.0):
        event = MetricEvent(time=value, step=1, values={"train/loss": value})
        _record(sessions, lease, event, _evaluation(1, value / 10))
    with sessions() as session:
        (series,) = queries.job_metrics(session, lease.job_id)
        (evaluation,) = queries.job_evaluations(session, lease.job_id)
    assert (series.values, series.times) == ((2.0,), (2.0,))
    assert evaluation.metrics == {"ap": 0.2, "ap_s": None}
    assert evaluation.per_class == {"cell": {"ap": 0.2}}


def test_a_batch_larger_than_one_statement_is_written_whole(sessions: Sessions, lease: ledger.Lease) -> None:
    events = [MetricEvent(time=0.0, step=step, values={"a": 1.0, "b": 2.0}) for step in range(1500)]
    _record(sessions, lease, *events)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(MetricPoint)) == 3000


@pytest.mark.parametrize(
    ("max_points", "steps"),
    [
        (None, list(range(10))),
        (100, list(range(10))),
        (5, [0, 2, 4, 6, 8, 9]),
        (3, [0, 4, 8, 9]),
        (1, [0, 9]),
    ],
)
def test_a_thinned_series_keeps_its_shape_and_its_end(
    sessions: Sessions, lease: ledger.Lease, max_points: int | None, steps: list[int]
) -> None:
    _record(sessions, lease, *[MetricEvent(time=0.0, step=step, values={"a": step}) for step in range(10)])
    with sessions() as session:
        (series,) = queries.job_metrics(session, lease.job_id, max_points=max_points)
    assert list(series.steps) == steps
    assert list(series.values) == steps
    assert series.num_points == 10


def test_progress_and_the_last_ap_on_val_stand_in_the_jobs_row(
    sessions: Sessions, lease: ledger.Lease
) -> None:
    progress = ProgressEvent(
        time=0.0, phase="training", step=7, total_steps=20, epoch=1, total_epochs=4, eta_seconds=9.5
    )
    _record(sessions, lease, progress, _evaluation(7, 0.25), _evaluation(7, 0.75, "test"))
    with sessions() as session:
        job = session.get_one(Job, lease.job_id)
    assert (job.phase, job.step, job.total_steps, job.epoch, job.total_epochs) == ("training", 7, 20, 1, 4)
    assert (job.eta_seconds, job.latest_ap) == (9.5, 0.25)


def test_the_cost_stands_in_the_jobs_row_as_it_was_measured(
    sessions: Sessions, lease: ledger.Lease, cost: Cost
) -> None:
    _record(sessions, lease, CostEvent(time=0.0, cost=cost))
    with sessions() as session:
        job = session.get_one(Job, lease.job_id)
    assert Cost.model_validate(job.cost) == cost


def test_environment_events_add_up(sessions: Sessions, lease: ledger.Lease) -> None:
    _record(sessions, lease, EnvironmentEvent(time=0.0, values={"torch": "2", "threads": 1}))
    _record(sessions, lease, EnvironmentEvent(time=0.0, values={"threads": 2}))
    with sessions() as session:
        attempt = session.get_one(Attempt, lease.attempt_id)
    assert attempt.environment == {"torch": "2", "threads": 2}


def test_numbers_that_json_has_not_are_refused_on_both_databases(
    sessions: Sessions, lease: ledger.Lease
) -> None:
    with pytest.raises(Exception, match="JSON compliant"):
        _record(sessions, lease, EnvironmentEvent(time=0.0, values={"loss": math.nan}))


def test_events_with_a_verb_of_their_own_are_refused(sessions: Sessions, lease: ledger.Lease) -> None:
    with pytest.raises(TypeError, match="result"):
        _record(sessions, lease, ResultEvent(time=0.0, outcome="succeeded"))


def test_log_chunks_come_back_in_order_and_once(sessions: Sessions, lease: ledger.Lease) -> None:
    for offset, text in ((0, "one\n"), (4, "two\0\n"), (0, "again")):
        with sessions.begin() as session:
            ledger.append_log(session, lease, offset=offset, text=text)
    with sessions() as session:
        chunks = queries.job_logs(session, lease.job_id)
        rest = queries.job_logs(session, lease.job_id, after=(1, 0))
        assert queries.job_logs(session, lease.job_id, after=(1, 4)) == []
    assert [(chunk.token, chunk.offset, chunk.text) for chunk in chunks] == [
        (1, 0, "one\n"),
        (1, 4, "two\N{REPLACEMENT CHARACTER}\n"),
    ]
    assert [chunk.offset for chunk in rest] == [4]


def test_logs_of_a_later_attempt_follow_those_of_the_first(
    hand: Hand, sessions: Sessions, lease: ledger.Lease
) -> None:
    with sessions.begin() as session:
        ledger.append_log(session, lease, offset=100, text="first")
    hand.fail(lease, retry=True)
    hand.skip_delay(lease.job_id)
    second = hand.take()
    with sessions.begin() as session:
        ledger.append_log(session, second, offset=0, text="second")
    with sessions() as session:
        assert [chunk.text for chunk in queries.job_logs(session, lease.job_id)] == ["first", "second"]
        assert [chunk.text for chunk in queries.job_logs(session, lease.job_id, after=(1, 100))] == ["second"]


def test_one_best_stays_the_newest_even_where_a_run_began_again_before_another(
    hand: Hand, sessions: Sessions, lease: ledger.Lease
) -> None:
    assert hand.save(lease, CheckpointKind.WEIGHTS, 1) == []
    assert hand.save(lease, CheckpointKind.BEST, 20) == []
    assert hand.save(lease, CheckpointKind.BEST, 10) == ["file:///best-20"]
    with sessions() as session:
        kept = [(row.kind, row.step) for row in queries.job_checkpoints(session, lease.job_id)]
    assert kept == [("weights", 1), ("best", 10)]


def test_superseded_states_leave_and_their_files_are_named(
    hand: Hand, sessions: Sessions, lease: ledger.Lease
) -> None:
    assert hand.save(lease, CheckpointKind.STATE, 1) == []
    assert hand.save(lease, CheckpointKind.WEIGHTS, 1) == []
    assert hand.save(lease, CheckpointKind.STATE, 2) == []
    assert hand.save(lease, CheckpointKind.STATE, 3) == ["file:///state-1"]
    with sessions() as session:
        kept = [(row.kind, row.step) for row in queries.job_checkpoints(session, lease.job_id)]
    assert kept == [("weights", 1), ("state", 2), ("state", 3)]


def test_a_file_that_something_still_refers_to_is_not_given_up(hand: Hand, lease: ledger.Lease) -> None:
    hand.save(lease, CheckpointKind.STATE, 1, uri="shared")
    hand.save(lease, CheckpointKind.WEIGHTS, 1, uri="shared")
    hand.save(lease, CheckpointKind.STATE, 2)
    assert hand.save(lease, CheckpointKind.STATE, 3) == []


def test_a_checkpoint_recorded_again_keeps_its_id_and_gives_up_its_old_file(
    hand: Hand, sessions: Sessions, lease: ledger.Lease
) -> None:
    hand.save(lease, CheckpointKind.WEIGHTS, 1, uri="old")
    with sessions() as session:
        (before,) = queries.job_checkpoints(session, lease.job_id)
    assert hand.save(lease, CheckpointKind.WEIGHTS, 1, uri="new") == ["old"]
    with sessions() as session:
        (after,) = queries.job_checkpoints(session, lease.job_id)
    assert (after.id, after.uri, after.size_bytes) == (before.id, "new", 3)


def test_an_artifact_of_the_same_name_replaces_the_first(sessions: Sessions, lease: ledger.Lease) -> None:
    for size in (1, 2):
        event = ArtifactEvent(
            time=0.0,
            name="p.json",
            path="p.json",
            media_type="application/json",
            sha256="0" * 64,
            size_bytes=size,
        )
        with sessions.begin() as session:
            ledger.record_artifact(session, lease, event, uri=f"file:///{size}")
    with sessions() as session:
        (artifact,) = queries.job_artifacts(session, lease.job_id)
        assert queries.get_artifact(session, artifact.id) == artifact
    assert (artifact.name, artifact.uri, artifact.size_bytes) == ("p.json", "file:///2", 2)
