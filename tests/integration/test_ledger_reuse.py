"""What ran once is not run again where that is wanted, and never where anything could differ."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.cost import Cost
from frs_core.datasets.check import check
from frs_core.datasets.records import DatasetReport
from frs_core.events import CheckpointKind, CostEvent, EvaluationEvent, MetricEvent, WarningEvent
from frs_core.spec import DatasetSpec
from service.db import ledger, recorded
from service.db.experiments import delete_experiment
from service.db.models import Checkpoint, Event, LogChunk
from service.db.queries import experiment_warnings
from service.db.states import JobState
from service.jobs.submit import submit_experiment
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import SMALL_DETECTOR, MakeSpec

Sessions = sessionmaker[Session]
SubmitSeen = Callable[..., str]
Run = Callable[[], str]
TEACHER = {"detector": SMALL_DETECTOR, "train": {"epochs": 1}}


@pytest.fixture(scope="module")
def report() -> DatasetReport:
    return check(DatasetSpec(format="synthetic"))


@pytest.fixture
def submit_seen(sessions: Sessions, make_spec: MakeSpec, report: DatasetReport) -> SubmitSeen:
    """Submits an experiment whose data set the server has seen; `data` replaces its hash."""

    def submit(*, data: str = "", seen: bool = True, **changes: Any) -> str:
        found = report.model_copy(update={"dataset_hash": data}) if data else report
        with sessions.begin() as session:
            spec = make_spec(**changes)
            return submit_experiment(session, spec, dataset_report=found if seen else None).id

    return submit


@pytest.fixture
def run(hand: Hand, sessions: Sessions, cost: Cost) -> Run:
    """Takes the next job to its end, with a little of everything recorded; gives its id."""

    def run() -> str:
        lease = hand.take()
        _record_all(sessions, lease, cost)
        hand.save(lease, CheckpointKind.STATE, 1)
        hand.save(lease, CheckpointKind.WEIGHTS, 2, uri=f"file:jobs/{lease.job_id}/weights")
        hand.finish(lease)
        return lease.job_id

    return run


def _record_all(sessions: Sessions, lease: ledger.Lease, cost: Cost) -> None:
    evaluation = EvaluationEvent(
        time=2.0,
        split="test",
        step=2,
        epoch=1,
        evaluator="x",
        dataset_hash="0" * 64,
        num_images=4,
        num_boxes=8,
        metrics={"ap": 0.25},
        per_class={},
    )
    events = [
        MetricEvent(time=1.0, step=1, values={"train/loss": 0.5}),
        MetricEvent(time=2.0, step=2, values={"train/loss": None}, nonfinite={"train/loss": "nan"}),
        evaluation,
        CostEvent(time=2.0, cost=cost),
        WarningEvent(time=2.0, code="small", message="boxes are small"),
    ]
    with sessions.begin() as session:
        ledger.record(session, lease, events)


def states(hand: Hand, experiment_id: str) -> list[str]:
    return [job.state.value for job in hand.jobs(experiment_id)]


def test_the_teacher_and_the_baseline_of_a_second_experiment_are_there_at_once(
    submit_seen: SubmitSeen, run: Run, hand: Hand
) -> None:
    first = submit_seen()
    for _ in range(3):
        run()
    second = submit_seen(name="again", methods=["none", "frs", {"name": "frs", "label": "other"}])
    assert states(hand, second) == ["succeeded", "succeeded", "queued", "queued"]
    origins = [job.reused_from for job in hand.jobs(second)]
    assert origins == [*(job.id for job in hand.jobs(first)[:2]), None, None]


def test_what_is_reused_is_all_that_a_reader_can_ask_for(
    submit_seen: SubmitSeen, run: Run, hand: Hand, sessions: Sessions, cost: Cost
) -> None:
    submit_seen()
    origin = run()
    second = submit_seen(name="again")
    copy = hand.jobs(second)[0]
    with sessions() as session:
        for read in (recorded.job_evaluations, recorded.job_metrics):
            mine, theirs = ([_told(row) for row in read(session, each)] for each in (copy.id, origin))
            assert mine == theirs != []
        kept = [(row.kind, row.uri, row.token) for row in recorded.job_checkpoints(session, copy.id)]
        assert kept == [("weights", f"file:jobs/{origin}/weights", 0)]
        assert [(name, event.message) for name, event in experiment_warnings(session, second)] == [
            ("teacher", "boxes are small")
        ]
        moves = select(Event.message).where(Event.job_id == copy.id, Event.kind == "job.state")
        assert f"the same job {origin}" in session.scalars(moves).all()[-1]
    assert (copy.cost, copy.latest_ap, copy.token) == (cost.model_dump(mode="json"), None, 0)
    assert copy.finished_at is not None


def _told(row: Any) -> Any:
    plain = vars(row).copy()
    return {name: plain[name] for name in plain.keys() - {"_sa_instance_state", "id", "job_id", "token"}}


def test_a_student_learns_from_the_weights_that_were_reused(
    submit_seen: SubmitSeen, run: Run, hand: Hand
) -> None:
    submit_seen()
    origin = run()
    submit_seen(name="again")
    uris = set()
    while (claim := hand.claim()) is not None:
        uris.add(claim.weights["teacher"].uri)
    assert uris == {f"file:jobs/{origin}/weights"}


def test_what_waits_in_the_queue_is_done_when_its_like_succeeds(
    submit_seen: SubmitSeen, run: Run, hand: Hand
) -> None:
    submit_seen()
    second = submit_seen(name="again")
    run()
    assert states(hand, second) == ["succeeded", "queued", "queued"]


def test_what_runs_already_goes_on(submit_seen: SubmitSeen, run: Run, hand: Hand) -> None:
    submit_seen()
    submit_seen(name="again")
    lease = hand.take()
    run()
    assert hand.job(lease.job_id).state is JobState.RUNNING
    assert hand.finish(lease) is JobState.SUCCEEDED


@pytest.mark.parametrize(
    "other",
    [
        {"data": "1" * 64},
        {"seen": False},
        {"schedule": {"epochs": 1, "batch_size": 4}},
        {"teacher": {**TEACHER, "seed": 1}},
        {"teacher": {**TEACHER, "reuse": False}},
        {"input_size": [64, 64]},
    ],
    ids=str,
)
def test_whatever_could_differ_is_run(
    submit_seen: SubmitSeen, run: Run, hand: Hand, other: dict[str, Any]
) -> None:
    submit_seen()
    run()
    assert states(hand, submit_seen(name="again", **other))[0] == "queued"


def test_a_job_that_failed_or_was_not_seen_gives_nothing(
    submit_seen: SubmitSeen, run: Run, hand: Hand
) -> None:
    submit_seen(seen=False)
    run()
    assert states(hand, submit_seen(seen=False))[0] == "queued"
    run()
    submit_seen()
    hand.fail(hand.take())
    assert states(hand, submit_seen())[0] == "queued"


def test_other_methods_are_reused_where_it_is_said_and_the_baseline_where_not_denied(
    submit_seen: SubmitSeen, run: Run, hand: Hand
) -> None:
    submit_seen()
    for _ in range(3):
        run()
    methods = [{"name": "none", "reuse": False}, {"name": "frs", "reuse": True}]
    assert states(hand, submit_seen(name="again", methods=methods)) == ["succeeded", "queued", "succeeded"]


def test_the_baseline_is_the_same_under_another_teacher(
    submit_seen: SubmitSeen, run: Run, hand: Hand
) -> None:
    first = submit_seen()
    for _ in range(3):
        run()
    second = submit_seen(name="again", teacher={**TEACHER, "seed": 1})
    run()
    assert states(hand, second) == ["succeeded", "succeeded", "queued"]
    assert hand.jobs(second)[1].reused_from == hand.jobs(first)[1].id


def test_the_files_stay_while_one_of_the_two_is_there_and_a_third_still_learns_where_they_came_from(
    submit_seen: SubmitSeen, run: Run, hand: Hand, sessions: Sessions
) -> None:
    first = submit_seen()
    origin = run()
    second = submit_seen(name="again")
    with sessions.begin() as session:
        gone = delete_experiment(session, first)
    assert gone == [f"file:///{CheckpointKind.STATE}-1"]
    third = submit_seen(name="once more")
    assert hand.jobs(third)[0].reused_from == origin
    with sessions.begin() as session:
        assert delete_experiment(session, second) == []
        assert delete_experiment(session, third) == [f"file:jobs/{origin}/weights"]
        assert session.scalars(select(Checkpoint)).all() == []


def test_logs_and_attempts_of_a_reused_job_are_those_of_the_one_that_ran(
    submit_seen: SubmitSeen, run: Run, hand: Hand, sessions: Sessions, api: Any
) -> None:
    submit_seen()
    origin = run()
    with sessions.begin() as session:
        session.add(LogChunk(job_id=origin, token=1, offset=0, text="epoch 1\n"))
    copy = hand.jobs(submit_seen(name="again"))[0].id
    assert api.get(f"/api/v1/jobs/{copy}/logs?format=text").text == "epoch 1\n"
    assert [each["token"] for each in api.get(f"/api/v1/jobs/{copy}/attempts").json()["items"]] == [1]


@pytest.mark.parametrize(("step", "state"), [(2, "succeeded"), (3, "queued")])
def test_a_student_is_reused_only_if_it_learnt_from_the_same_weights(
    submit_seen: SubmitSeen, run: Run, hand: Hand, step: int, state: str
) -> None:
    submit_seen()
    for _ in range(3):
        run()
    methods = [{"name": "frs", "reuse": True}]
    second = submit_seen(name="again", teacher={**TEACHER, "reuse": False}, methods=methods)
    lease = hand.take()
    hand.save(lease, CheckpointKind.WEIGHTS, step)  # the weights of another step have another hash
    hand.finish(lease)
    assert states(hand, second) == ["succeeded", state]
