"""What a policy lets go and nothing needs is deleted once it was shown, rows before files."""

import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import CheckpointKind
from service.artifacts import ArtifactError, ArtifactStore, open_store
from service.db.files import uris_of
from service.db.models import Checkpoint, Event, Job
from service.db.retention import Policy, policy_of, set_policy
from service.db.states import JobState
from service.db.types import new_id, utc_now
from service.jobs.collect import Plan, PlanChangedError, carry_out, make_plan
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import SMALL_DETECTOR, Submit

Sessions = sessionmaker[Session]
CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KINDS = (CheckpointKind.STATE, CheckpointKind.BEST, CheckpointKind.WEIGHTS, CheckpointKind.EXPORT)
Run = Callable[..., str]
Keep = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return open_store((tmp_path / "store").as_uri())


@pytest.fixture
def put(store: ArtifactStore, tmp_path: Path) -> Callable[[str], str]:
    def put(key: str) -> str:
        source = tmp_path / "source"
        source.write_bytes(CONTENT)
        return store.put(source, key, SHA256)

    return put


@pytest.fixture
def run(hand: Hand, put: Callable[[str], str]) -> Run:
    """Takes the next job, which saves a state at each of the steps and the rest at the last; gives its id."""

    def run(*steps: int, finish: bool = True) -> str:
        lease = hand.take()
        for step in steps or (10,):
            hand.save(lease, CheckpointKind.STATE, step, put(f"jobs/{lease.job_id}/1/state{step}"))
        for kind in KINDS[1:]:
            hand.save(lease, kind, (steps or (10,))[-1], put(f"jobs/{lease.job_id}/1/{kind}"))
        if finish:
            hand.finish(lease)
        return lease.job_id

    return run


@pytest.fixture
def keep(sessions: Sessions) -> Keep:
    """Gives an experiment a policy."""

    def keep(experiment_id: str, **rules: object) -> None:
        with sessions.begin() as session:
            set_policy(session, experiment_id, Policy(**rules))  # type: ignore[arg-type]

    return keep


def spare(plan: Plan, job_id: str) -> list[str]:
    """Kind and step of what would go of a job."""
    rows = [item.checkpoint.row for item in plan.items if item.checkpoint]
    return [f"{row.kind}{row.step}" for row in rows if row.job_id == job_id]


def test_without_a_policy_everything_stays(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep
) -> None:
    experiment = submit()
    run()
    assert make_plan(sessions, store).items == []
    keep(experiment)
    assert len(make_plan(sessions, store).items) == 1
    with sessions.begin() as session:
        set_policy(session, experiment, None)
        assert policy_of(session, experiment) is None
    assert make_plan(sessions, store).items == []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, ["state15", "state20"]),
        ({"best": False}, ["state15", "best20", "state20"]),
        ({"every_epochs": 2}, ["state15"]),
        ({"every_steps": 5}, []),
        ({"every_steps": 15}, ["state20"]),
        ({"days": 1}, []),
        ({"last": False}, ["state15", "export20", "state20", "weights20"]),
    ],
)
def test_rules_say_what_stays(
    sessions: Sessions,
    store: ArtifactStore,
    submit: Submit,
    run: Run,
    hand: Hand,
    keep: Keep,
    rules: dict[str, object],
    expected: list[str],
) -> None:
    experiment = submit(methods=["none"])
    run()
    student = run(15, 20)
    keep(experiment, **rules)
    assert spare(make_plan(sessions, store), student) == expected


def test_what_is_older_than_its_days_goes(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep
) -> None:
    experiment = submit()
    teacher = run()
    keep(experiment, best=False, last=False, days=2)
    assert make_plan(sessions, store).items == []
    with sessions.begin() as session:
        session.execute(update(Checkpoint).values(created_at=utc_now() - timedelta(days=3)))
    assert spare(make_plan(sessions, store), teacher) == ["best10", "export10", "state10"], "not its weights"


def test_a_job_that_can_go_on_keeps_everything(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, hand: Hand, keep: Keep
) -> None:
    experiment = submit(methods=["none"])
    run()
    student = run(finish=False)
    keep(experiment)
    assert spare(make_plan(sessions, store), student) == []
    with sessions.begin() as session:
        job = session.get_one(Job, student)
        for state in (JobState.FAILED, JobState.PAUSED, JobState.QUEUED, JobState.BLOCKED):
            job.state = state
            session.flush()
            assert spare(make_plan(lambda: _Same(session), store), student) == []  # type: ignore[arg-type]
        job.state = JobState.CANCELLED
    assert spare(make_plan(sessions, store), student) == ["state10"]


class _Same:
    """A session that is in use already."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __enter__(self) -> Session:
        return self.session

    def __exit__(self, *_: object) -> None:
        pass


def test_a_teacher_and_what_specifications_name_stay(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep
) -> None:
    first = submit(methods=["none"])
    teacher, student = run(), run()
    keep(first, best=False, last=False, every_epochs=100)
    assert spare(make_plan(sessions, store), teacher) == ["best10", "export10", "state10"]
    assert "weights10" in spare(make_plan(sessions, store), student)
    with sessions() as session:
        rows = session.scalars(select(Checkpoint).where(Checkpoint.job_id == student))
        ids = {row.kind: row.id for row in rows}
    submit(teacher={"detector": SMALL_DETECTOR, "checkpoint": ids["weights"]})
    submit(student={"detector": SMALL_DETECTOR, "checkpoint": ids["best"]})
    assert spare(make_plan(sessions, store), student) == ["export10", "state10"]


def test_a_result_that_a_waiting_job_may_take_over_stays(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep
) -> None:
    experiment = submit(methods=["none"])
    run()
    student = run()
    keep(experiment, best=False, last=False, every_epochs=100)
    assert spare(make_plan(sessions, store), student) != []
    submit()
    with sessions.begin() as session:
        key = session.get_one(Job, student).job_key
        waiting = session.scalars(
            select(Job).where(Job.state == JobState.WAITING, Job.method == "none")
        ).first()
        assert waiting is not None
        waiting.reuse, waiting.job_key = True, key
    assert spare(make_plan(sessions, store), student) == []


def test_a_file_that_others_share_stays_when_its_row_goes(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep
) -> None:
    experiment = submit(methods=["none"])
    run()
    student = run()
    other = submit(name="other")
    with sessions.begin() as session:
        export = session.scalars(
            select(Checkpoint).where(Checkpoint.job_id == student, Checkpoint.kind == "export")
        ).one()
        borrower = session.scalars(select(Job.id).where(Job.experiment_id == other)).first()
        values = {
            name: getattr(export, name) for name in ("kind", "step", "epoch", "uri", "sha256", "size_bytes")
        }
        session.add(Checkpoint(job_id=borrower, token=0, **values))
    keep(experiment, last=False)
    plan = make_plan(sessions, store)
    shared = [item for item in plan.items if item.uri == export.uri]
    assert [(item.freed_bytes, "others share it" in item.reason) for item in shared] == [(0, True)]
    carry_out(sessions, store, plan.name)
    assert store.size(export.uri) == len(CONTENT)


def test_the_confirmed_plan_is_deleted_and_no_row_names_a_file_that_is_gone(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep, put: Callable[[str], str],
    tmp_path: Path,
) -> None:  # fmt: skip
    experiment = submit(methods=["none"])
    run(), run(15, 20)
    orphan = put(f"jobs/{new_id()}/1/lost")
    os.utime(tmp_path / "store" / orphan.removeprefix("file:"), (0, 0))
    keep(experiment)
    plan = make_plan(sessions, store)
    assert [item.uri for item in plan.items if item.checkpoint is None] == [orphan]
    assert plan.freed_bytes == 3 * 3 + len(CONTENT), "of rows what they say, of an orphan what it has"
    done = carry_out(sessions, store, plan.name)
    assert done.name == plan.name
    with sessions() as session:
        left = uris_of(session, Job.id.is_not(None))
        told = session.scalars(select(Event.message).where(Event.kind == "experiment.collected")).all()
    folder = tmp_path / "store"
    stored = {f"file:{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file()}
    assert (stored, told) == (left, ["3 checkpoints were deleted as spare"])
    assert make_plan(sessions, store).items == []


def test_a_plan_that_changed_is_refused_and_nothing_goes(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep
) -> None:
    experiment = submit(methods=["none"])
    run()
    keep(experiment)
    shown = make_plan(sessions, store)
    run()
    with pytest.raises(PlanChangedError, match="look at it"):
        carry_out(sessions, store, shown.name)
    now = make_plan(sessions, store)
    assert len(now.items) == 2
    assert all(store.size(item.uri) for item in now.items)


def test_files_that_cannot_be_deleted_now_are_found_again(
    sessions: Sessions, store: ArtifactStore, submit: Submit, run: Run, keep: Keep,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    """As after a crash between the rows and the files."""
    experiment = submit()
    run()
    keep(experiment)
    plan = make_plan(sessions, store)

    def away(uri: str) -> None:
        raise ArtifactError("away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", away)
        carry_out(sessions, store, plan.name)
    [left] = [item.uri for item in plan.items]
    assert store.size(left) == len(CONTENT)
    os.utime(tmp_path / "store" / left.removeprefix("file:"), (0, 0))
    again = make_plan(sessions, store)
    assert [(item.uri, item.checkpoint) for item in again.items] == [(left, None)]
