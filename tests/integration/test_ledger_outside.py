"""Rows from outside among an experiment's own: what they leave alone, on both databases."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.datasets.check import check
from frs_core.events import COCO_METRICS, ArtifactEvent, DatasetEvent, EvaluationEvent
from frs_core.spec import DatasetSpec, JobSpec, ScoreSpec
from service.comparison.load import comparison_of
from service.comparison.standing import refresh
from service.db import ledger, outside, queries
from service.db.experiments import delete_experiment
from service.db.models import (
    Artifact,
    CitedRow,
    Event,
    IdempotencyKey,
    Job,
    ResampledAp,
    Standing,
)
from service.db.outside import LabelTakenError, NoRowError, RowRunningError
from service.jobs.errands import InputFile
from service.jobs.extend import extend_experiment
from service.jobs.external import submit_external
from service.jobs.resample import next_matches
from service.jobs.submit import UnknownCheckpointError, submit_experiment
from service.records.read import record_of
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import MakeSpec, Submit

Sessions = sessionmaker[Session]
AddExternal = Callable[..., str]
DATASET = {"format": "synthetic"}
FILE = InputFile("inputs/predictions.json", "file:jobs/x/inputs/predictions.json", "a" * 64, 3)


def score_spec(label: str) -> ScoreSpec:
    return ScoreSpec(name=label, dataset=DatasetSpec.model_validate(DATASET), predictions=FILE.name)


@pytest.fixture
def add_external(sessions: Sessions) -> AddExternal:
    def add(experiment_id: str, label: str = "theirs", **more: object) -> str:
        with sessions.begin() as session:
            found = {"label": label, "files": [FILE], "max_attempts": 3, **more}
            return submit_external(session, experiment_id, score_spec(label), **found).id

    return add


@pytest.fixture
def evaluated(sessions: Sessions, hand: Hand) -> Callable[..., str]:
    def evaluated(ap: float, **ending: object) -> str:
        """End the next job with an evaluation and match arrays; gives its id."""
        lease = hand.take()
        event = EvaluationEvent(
            time=1.0, split="val", step=0, epoch=0, evaluator="x", dataset_hash="0" * 64, num_images=6,
            num_boxes=6, metrics=dict.fromkeys(COCO_METRICS, ap),
        )  # fmt: skip
        matches = ArtifactEvent(
            time=1.0, name="matches_val.npz", path="x", media_type="x/x",
            sha256=f"{round(1000 * ap):064x}", size_bytes=1,
        )  # fmt: skip
        with sessions.begin() as session:
            ledger.record(session, lease, [event])
            ledger.record_artifact(session, lease, matches, uri=f"file:jobs/{lease.job_id}/matches")
        hand.finish(lease, **ending)
        return lease.job_id

    return evaluated


def state(sessions: sessionmaker[Session], experiment_id: str) -> str:
    """As the list of experiments says it."""
    refresh(sessions, sessions)
    with sessions() as session:
        return session.get_one(Standing, experiment_id).state


def test_its_job_goes_first_is_handed_its_file_and_becomes_a_row(
    submit: Submit, add_external: AddExternal, hand: Hand, sessions: Sessions, evaluated: Callable[..., str]
) -> None:
    experiment_id = submit()
    job_id = add_external(experiment_id)
    claim = hand.claim()
    assert claim is not None
    assert (claim.lease.job_id, claim.spec.kind) == (job_id, "score")
    assert claim.inputs["predictions"].uri == FILE.uri
    hand.finish(claim.lease)
    for ap in (0.5, 0.3, 0.4):
        evaluated(ap)
    add_external(experiment_id, "second")
    evaluated(0.7)
    with sessions() as session:
        comparison = comparison_of(session, experiment_id)
        labels = [(row.label, row.source) for row in comparison.rows]
        matches = next_matches(session)
    assert labels == [
        ("teacher", "run"), ("none", "run"), ("frs", "run"), ("theirs", "external"), ("second", "external"),
    ]  # fmt: skip
    assert comparison.rows[4].delta_ap == pytest.approx(0.4)
    assert comparison.verdict.startswith("No claim yet: frs differs")
    assert matches is not None


def test_an_experiments_state_and_progress_are_those_of_its_own_jobs(
    submit: Submit, add_external: AddExternal, hand: Hand, sessions: Sessions
) -> None:
    experiment_id = submit()
    for _ in range(3):
        hand.finish(hand.take())
    add_external(experiment_id)
    assert state(sessions, experiment_id) == "succeeded"
    hand.fail(hand.take())
    with sessions() as session:
        assert [row.label for row in comparison_of(session, experiment_id).rows] == ["teacher", "none", "frs"]
    assert state(sessions, experiment_id) == "succeeded"


def test_its_draws_are_made_like_those_of_a_run(
    submit: Submit, add_external: AddExternal, sessions: Sessions, evaluated: Callable[..., str]
) -> None:
    add_external(submit())
    job_id = evaluated(0.7)
    with sessions() as session:
        found = next_matches(session)
    assert found is not None
    assert found.job_id == job_id


@pytest.mark.parametrize("label", ["teacher", "none", "frs", "theirs", "paper"])
def test_a_label_is_one_rows(
    submit: Submit, add_external: AddExternal, sessions: Sessions, label: str
) -> None:
    experiment_id = submit()
    add_external(experiment_id, "theirs")
    cited = {"metrics": {"ap": 0.4}, "source": "x", "url": None}
    with sessions.begin() as session:
        outside.cite(session, experiment_id, label="paper", **cited)
    with pytest.raises(LabelTakenError):
        add_external(experiment_id, label)
    with pytest.raises(LabelTakenError), sessions.begin() as session:
        outside.cite(session, experiment_id, label=label, **cited)
    add_external(submit(), "theirs")


def test_a_checkpoint_that_is_not_stored_is_refused(
    submit: Submit, make_spec: MakeSpec, sessions: Sessions
) -> None:
    spec = make_spec()
    parts = {"dataset": spec.dataset, "input_size": spec.input_size, "detector": spec.student.detector}
    job = JobSpec(kind="evaluate", name="theirs", checkpoint="0" * 16, **parts)
    experiment_id = submit()
    with pytest.raises(UnknownCheckpointError, match="checkpoint is"), sessions.begin() as session:
        submit_external(session, experiment_id, job, label="theirs", max_attempts=3)


def test_the_same_evaluation_elsewhere_is_neither_taken_over_nor_given(
    submit: Submit, hand: Hand, make_spec: MakeSpec, sessions: Sessions
) -> None:
    address = "https://download.pytorch.org/models/x-0123abcd.pth"
    detector = make_spec().student.detector
    given = {"teacher": {"detector": detector, "checkpoint": address}}
    spec = make_spec(**given)
    report = check(spec.dataset, decode=False)
    with sessions.begin() as session:
        submit_experiment(session, spec, dataset_report=report)
    lease = hand.take()
    hand.save(lease, "weights", 0)
    hand.finish(lease)
    teacher = hand.job(lease.job_id)
    assert teacher.kind == "evaluate"
    other = submit()
    with sessions.begin() as session:
        job = JobSpec.model_validate(teacher.spec)
        made = submit_external(session, other, job, label="theirs", max_attempts=3)
        assert (made.state, made.reuse) == ("queued", False)
        assert made.job_key != teacher.job_key


def test_a_look_at_the_data_does_not_stumble_over_it(
    make_spec: MakeSpec, add_external: AddExternal, hand: Hand, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        experiment = submit_experiment(session, make_spec(), dataset_report=None, preflight=True)
        experiment_id = experiment.id
        [look] = session.scalars(select(Job).where(Job.role == "preflight"))
        look.rank = 0.0
    add_external(experiment_id)
    lease = hand.take()
    assert hand.job(lease.job_id).role == "preflight"
    with sessions.begin() as session:
        ledger.record(session, lease, [DatasetEvent(time=1.0, report=check(make_spec().dataset))])
    hand.finish(lease)
    assert hand.job(hand.jobs(experiment_id)[1].id).state == "queued"


def test_an_extension_goes_on_behind_it(
    submit: Submit, make_spec: MakeSpec, add_external: AddExternal, hand: Hand, sessions: Sessions
) -> None:
    experiment_id = submit()
    add_external(experiment_id)
    with sessions.begin() as session:
        extend_experiment(
            session, experiment_id, make_spec(seeds=[0, 1]), dataset_report=None, max_attempts=3
        )
    assert [(job.position, job.role) for job in hand.jobs(experiment_id)] == [
        (0, "teacher"), (1, "student"), (2, "student"), (3, "external"), (4, "student"), (5, "student"),
    ]  # fmt: skip


def test_a_record_holds_what_was_run_here_and_nothing_from_outside(
    submit: Submit, add_external: AddExternal, sessions: Sessions, evaluated: Callable[..., str]
) -> None:
    experiment_id = submit()
    add_external(experiment_id)
    evaluated(0.7)
    with sessions() as session, pytest.raises(ValueError, match="nothing to record"):
        record_of(session, queries.get_experiment(session, experiment_id))
    evaluated(0.5)
    with sessions() as session:
        found = record_of(session, queries.get_experiment(session, experiment_id))
    assert [job.role for job in found.jobs] == ["teacher"]


def test_a_removed_row_leaves_nothing_behind_and_its_label_is_free(
    submit: Submit, add_external: AddExternal, hand: Hand, sessions: Sessions, evaluated: Callable[..., str]
) -> None:
    experiment_id = submit()
    job_id = add_external(experiment_id, idempotency=("key", "b" * 64))
    assert add_external(experiment_id, idempotency=("key", "b" * 64)) == job_id
    evaluated(0.7)
    drawn = f"{700:064x}"
    with sessions.begin() as session:
        session.add(ResampledAp(matches_sha256=drawn, num_draws=0, values=b""))
    with sessions.begin() as session:
        uris = outside.remove_external(session, experiment_id, "theirs")
    assert uris == sorted([FILE.uri, f"file:jobs/{job_id}/matches"])
    with sessions() as session:
        for table in (Artifact, ResampledAp, IdempotencyKey):
            assert session.scalar(select(func.count()).select_from(table)) == 0, table.__tablename__
        messages = session.scalars(select(Event.message).where(Event.kind == "experiment.outside")).all()
    assert messages == ["small: theirs was added from outside", "small: theirs was removed"]
    add_external(experiment_id)


def test_a_row_that_runs_or_is_not_there_is_not_removed(
    submit: Submit, add_external: AddExternal, hand: Hand, sessions: Sessions
) -> None:
    experiment_id = submit()
    add_external(experiment_id)
    lease = hand.take()
    with pytest.raises(RowRunningError, match=f"cancel job {lease.job_id}"), sessions.begin() as session:
        outside.remove_external(session, experiment_id, "theirs")
    for label in ("frs", "nothing"):
        with pytest.raises(NoRowError), sessions.begin() as session:
            outside.remove_external(session, experiment_id, label)


def test_cited_rows_stand_last_in_their_order_until_they_are_removed(
    submit: Submit, sessions: Sessions, evaluated: Callable[..., str]
) -> None:
    experiment_id = submit()
    evaluated(0.5)
    for label, url in (("paper", "https://example.org/p"), ("book", None)):
        with sessions.begin() as session:
            outside.cite(
                session, experiment_id, label=label, metrics={"ap": 0.397}, source="Du, 2021", url=url
            )
    with sessions() as session:
        rows = comparison_of(session, experiment_id).rows[-2:]
    assert [(row.label, row.note) for row in rows] == [
        ("paper", "Du, 2021 (https://example.org/p)"),
        ("book", "Du, 2021"),
    ]
    assert rows[0].metrics["ap"].mean == 0.397
    with sessions.begin() as session:
        outside.uncite(session, experiment_id, "paper")
    with pytest.raises(NoRowError), sessions.begin() as session:
        outside.uncite(session, experiment_id, "paper")
    with sessions.begin() as session:
        delete_experiment(session, experiment_id)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(CitedRow)) == 0
