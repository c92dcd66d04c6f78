"""Where experiments stand: computed once for what is new, by any number of processes, on both databases."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import ArtifactEvent, EvaluationEvent
from service.comparison import standing as computing
from service.comparison.draws import NUM_DRAWS, pack
from service.comparison.load import comparison_of
from service.comparison.standing import best_row, refresh
from service.db import experiments, ledger, standings
from service.db.models import (
    Event,
    Experiment,
    ExperimentTag,
    ResampledAp,
    Standing,
    StandingFacet,
    StandingsWatermark,
)
from service.db.states import JobState
from service.db.types import utc_now
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
LONG_AGO = timedelta(minutes=5)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the experiments whose standing was computed."""
    seen: list[str] = []
    original = computing.standing_of

    def note(session: Session, experiment: Experiment, as_of: standings.AsOf) -> standings.Made:
        seen.append(experiment.id)
        return original(session, experiment, as_of)

    monkeypatch.setattr(computing, "standing_of", note)
    return seen


def stands(sessions: Sessions, experiment_id: str) -> Standing:
    """What a list would say."""
    assert refresh(sessions, sessions) == 0
    with sessions() as session:
        return session.get_one(Standing, experiment_id)


def facets(sessions: Sessions, experiment_id: str) -> dict[str, list[str]]:
    with sessions() as session:
        rows = session.scalars(
            select(StandingFacet)
            .where(StandingFacet.experiment_id == experiment_id)
            .order_by(StandingFacet.value)
        ).all()
    return {row.kind: [other.value for other in rows if other.kind == row.kind] for row in rows}


def finish(sessions: Sessions, hand: Hand, ap: float) -> str:
    """End the next job with this AP; the id of its experiment."""
    lease = hand.take()
    matches = ArtifactEvent(
        time=1.0,
        name="matches_test.npz",
        path="x",
        media_type="x/x",
        sha256=sha256_of(lease.job_id),
        size_bytes=1,
    )
    evaluation = EvaluationEvent(
        time=1.0, split="test", step=1, epoch=1, evaluator="x", dataset_hash="0" * 64, num_images=6,
        num_boxes=6, metrics={"ap": ap},
    )  # fmt: skip
    with sessions.begin() as session:
        ledger.record(session, lease, [evaluation])
        ledger.record_artifact(session, lease, matches, uri=f"file:///{lease.job_id}")
    hand.finish(lease)
    return lease.job_id


def sha256_of(job_id: str) -> str:
    return hashlib.sha256(job_id.encode()).hexdigest()


def age(sessions: Sessions) -> None:
    """Let all events have happened long ago."""
    with sessions.begin() as session:
        for event in session.scalars(select(Event)):
            event.created_at = utc_now() - LONG_AGO


DATASET = {"format": "synthetic", "test": "test"}


def test_a_new_experiment_is_queued_and_is_found_by_what_it_is(sessions: Sessions, submit: Submit) -> None:
    made = submit(name="Blood Cells", tags=["b", "a"], submitted_by="ann", seeds=[0, 1])
    row = stands(sessions, made)
    assert (row.state, row.num_jobs, row.job_states) == ("queued", 5, {"queued": 1, "waiting": 4})
    assert (row.name_folded, row.owner, row.dataset) == ("blood cells", "ann", "synthetic")
    assert (row.seeds_done, row.seeds_total, row.best_ap, row.best_n) == (0, 2, None, 0)
    assert facets(sessions, made) == {
        "state": ["queued"], "tag": ["a", "b"], "dataset": ["synthetic"], "method": ["frs", "none"],
    }  # fmt: skip


def test_the_ends_of_jobs_are_seen_and_the_best_row_is_the_comparisons(
    sessions: Sessions, submit: Submit, hand: Hand
) -> None:
    made = submit(seeds=[0, 1], dataset=DATASET)
    finish(sessions, hand, 0.5)
    assert stands(sessions, made).best_ap is None, "a teacher is no result"
    finish(sessions, hand, 0.3)
    row = stands(sessions, made)
    assert (row.state, row.best_label, row.best_ap, row.best_delta, row.best_n) == (
        "running", "none", 0.3, None, 1,
    )  # fmt: skip
    for ap in (0.35, 0.31, 0.36):
        finish(sessions, hand, ap)
    row = stands(sessions, made)
    with sessions() as session:
        comparison = comparison_of(session, made)
    best = best_row(comparison)
    assert (row.state, row.seeds_done, row.seeds_total) == ("succeeded", 2, 2)
    assert (row.best_label, row.best_n, row.is_clear) == ("frs", 2, True)
    assert (row.best_ap, row.best_delta) == (best.ap, best.delta_ap)
    assert row.best_delta == next(each.delta_ap for each in comparison.rows if each.label == "frs")


def test_only_what_has_news_is_computed_again(
    sessions: Sessions, submit: Submit, hand: Hand, computed: list[str]
) -> None:
    first, second = submit(), submit()
    refresh(sessions, sessions)
    assert sorted(computed) == sorted([first, second])
    refresh(sessions, sessions)
    assert len(computed) == 2
    hand.finish(hand.take())
    refresh(sessions, sessions)
    assert computed[2:] == [first]
    age(sessions)
    refresh(sessions, sessions)
    assert len(computed) == 3


def test_the_watermark_advances_over_what_has_settled_and_never_goes_back(
    sessions: Sessions, submit: Submit
) -> None:
    submit()
    refresh(sessions, sessions)
    with sessions() as session:
        assert standings.watermark(session) == 0, "an event may still come before these"
    age(sessions)
    refresh(sessions, sessions)
    with sessions.begin() as session:
        last = session.scalar(select(func.max(Event.id)))
        assert standings.watermark(session) == last
        standings.advance(session, 1)
        assert standings.watermark(session) == last
        assert session.scalar(select(func.count()).select_from(StandingsWatermark)) == 1


def test_an_event_that_commits_behind_a_later_one_is_seen(sessions: Sessions, submit: Submit) -> None:
    made = submit(name="before")
    with sessions.begin() as session:
        late = session.scalars(
            insert(Event).values(kind="experiment.changed", message="", data={}).returning(Event.id)
        ).one()
        session.execute(delete(Event).where(Event.id == late))
    with sessions.begin() as session:
        session.add(Event(experiment_id=made, kind="experiment.changed", message="later number"))
    assert stands(sessions, made).event_id > late
    with sessions.begin() as session:
        session.get_one(Experiment, made).name = "After"
        session.add(Event(id=late, experiment_id=made, kind="experiment.changed", message="earlier number"))
    assert stands(sessions, made).name_folded == "after"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_a_transaction_that_is_still_open_is_seen_when_it_commits(sessions: Sessions, submit: Submit) -> None:
    made = submit(name="before")
    with sessions() as slow:
        slow.get_one(Experiment, made).name = "slow"
        slow.add(Event(experiment_id=made, kind="experiment.changed", message="x"))
        slow.flush()
        with sessions.begin() as session:
            session.add(Event(experiment_id=made, kind="experiment.changed", message="y"))
        assert stands(sessions, made).name_folded == "before"
        slow.commit()
    assert stands(sessions, made).name_folded == "slow"


def test_names_tags_owner_and_archive_follow_their_change(
    api: Any, sessions: Sessions, submit: Submit
) -> None:
    made = submit(name="old", tags=["x"])
    stands(sessions, made)
    change = {"name": "New", "tags": ["y", "z"], "submitted_by": "ann"}
    assert api.patch(f"/api/v1/experiments/{made}", json=change).is_success
    row = stands(sessions, made)
    assert (row.name_folded, row.owner, row.archived) == ("new", "ann", False)
    assert facets(sessions, made)["tag"] == ["y", "z"]
    api.post(f"/api/v1/experiments/{made}/archive")
    assert stands(sessions, made).archived
    with sessions() as session:
        assert session.scalars(select(StandingFacet.archived).distinct()).all() == [True]


def test_a_deleted_experiment_leaves_nothing(api: Any, sessions: Sessions, submit: Submit) -> None:
    made, other = submit(tags=["x"]), submit()
    stands(sessions, made)
    assert api.delete(f"/api/v1/experiments/{made}").status_code == 204
    refresh(sessions, sessions)
    with sessions() as session:
        assert session.scalars(select(Standing.experiment_id)).all() == [other]
        assert set(session.scalars(select(StandingFacet.experiment_id))) == {other}


def test_one_that_is_deleted_while_it_is_computed_is_not_written(sessions: Sessions, submit: Submit) -> None:
    made, other = submit(), submit()
    with sessions() as session:
        rows = computing._made(session, [made, other])
    with sessions.begin() as session:
        experiments.delete_experiment(session, made)
    with sessions.begin() as session:
        standings.write(session, rows)
    with sessions() as session:
        assert session.scalars(select(Standing.experiment_id)).all() == [other]


def test_what_was_read_earlier_does_not_replace_what_was_read_later(
    sessions: Sessions, submit: Submit
) -> None:
    made = submit(name="old", tags=["old"])
    with sessions() as session:
        slow = computing._made(session, [made])
    with sessions.begin() as session:
        session.get_one(Experiment, made).name = "new"
        session.execute(delete(ExperimentTag))
        session.add(Event(experiment_id=made, kind="experiment.changed", message="x"))
    assert stands(sessions, made).name_folded == "new"
    with sessions.begin() as session:
        standings.write(session, slow)
    assert stands(sessions, made).name_folded == "new"
    assert "tag" not in facets(sessions, made)


def test_processes_that_refresh_at_the_same_time_agree(sessions: Sessions, submit: Submit) -> None:
    ids = [submit(tags=[f"t{number}"]) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: refresh(sessions, sessions), range(8))) == [0] * 8
    with sessions() as session:
        assert set(session.scalars(select(Standing.experiment_id))) == set(ids)
        kinds = select(StandingFacet.kind, func.count()).group_by(StandingFacet.kind)
        assert dict(session.execute(kinds).all()) == {"state": 8, "tag": 8, "dataset": 8, "method": 16}


def test_what_takes_too_long_is_done_in_parts(
    sessions: Sessions, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "BATCH", 2)
    monkeypatch.setattr(computing, "MANY", 1)  # tells the database of them, too
    for _ in range(5):
        submit()
    assert [refresh(sessions, sessions, seconds=0) for _ in range(4)] == [3, 1, 0, 0]


def test_draws_of_the_images_change_what_is_clear(sessions: Sessions, submit: Submit, hand: Hand) -> None:
    from service.jobs import resample

    made = submit(seeds=[0, 1], dataset=DATASET)
    jobs = [finish(sessions, hand, ap) for ap in (0.5, 0.3, 0.35, 0.31, 0.36)]
    assert stands(sessions, made).is_clear
    age(sessions)
    refresh(sessions, sessions)
    spread = pack(np.linspace(0, 1, NUM_DRAWS))
    mirrored = pack(np.linspace(1, 0, NUM_DRAWS))
    with sessions.begin() as session:
        for job_id in jobs:
            sha256 = sha256_of(job_id)
            is_frs = job_id in (jobs[2], jobs[4])
            values = mirrored if is_frs else spread
            session.add(ResampledAp(matches_sha256=sha256, num_draws=NUM_DRAWS, values=values))
            resample.tell(session, sha256)
    assert not stands(sessions, made).is_clear


def test_an_upgraded_database_is_filled_at_the_first_read(sessions: Sessions, submit: Submit) -> None:
    ids = [submit() for _ in range(3)]
    refresh(sessions, sessions)
    age(sessions)
    refresh(sessions, sessions)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM standings"))
    refresh(sessions, sessions)
    with sessions() as session:
        assert set(session.scalars(select(Standing.experiment_id))) == set(ids)


def test_every_state_of_a_job_is_counted(sessions: Sessions, submit: Submit, hand: Hand) -> None:
    made = submit()
    hand.fail(hand.take())
    row = stands(sessions, made)
    assert (row.state, row.job_states) == ("failed", {"failed": 1, "blocked": 2})
    assert set(row.job_states) <= set(JobState)
