"""Lists of experiments: filtered, sorted, counted and in pages, on both databases."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, get_args

import pytest
from sqlalchemy import Engine, event, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from service.comparison.standing import refresh
from service.db.listing import Direction, Filters, Order, Sort, counts, list_experiments
from service.db.models import Experiment, Job, Standing, StandingFacet
from service.db.pages import InvalidCursorError, read_cursor, write_cursor
from service.db.states import EXPERIMENT_STATES, JobState, experiment_state
from service.db.types import new_id, utc_now
from service.db.work import work_of
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


def listed(sessions: Sessions, order: Order | None = None, *, limit: int = 100, **filters: Any) -> list[str]:
    """All ids, page by page."""
    refresh(sessions, sessions)
    return [each for page in paged(sessions, order or Order(), limit=limit, **filters) for each in page]


def paged(sessions: Sessions, order: Order, *, limit: int, **filters: Any) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        with sessions() as session:
            page = list_experiments(session, Filters(**filters), order, limit=limit, cursor=cursor)
        pages.append([row.experiment_id for row in page.items])
        if (cursor := page.next_cursor) is None:
            return pages


@pytest.fixture
def hundred(sessions: Sessions) -> dict[str, Standing]:
    """Standings with many equal and missing keys, by id."""
    chance, moments = random.Random(3), [utc_now() for _ in range(9)]
    rows = []
    for number in range(100):
        state = chance.randrange(len(EXPERIMENT_STATES))
        rows.append(
            {
                "experiment_id": new_id(), "event_id": number, "num_events": 1, "archived": number % 10 == 9,
                "created_at": chance.choice(moments), "name_folded": chance.choice(["a", "b ä", "c_%"]),
                "owner": chance.choice([None, "ada", "grace"]), "state": EXPERIMENT_STATES[state],
                "state_order": state, "dataset": chance.choice(["x", "y"]), "num_jobs": 0, "job_states": {},
                "seeds_done": 0, "seeds_total": 0, "best_label": None, "best_n": 0, "is_clear": False,
                "best_ap": chance.choice([None, 0.1, 1 / 3]), "best_delta": chance.choice([None, -0.1, 0.0]),
            }
        )  # fmt: skip
    with sessions.begin() as session:
        experiments = [
            {
                "id": row["experiment_id"],
                "name": row["name_folded"],
                "spec": {},
                "created_at": row["created_at"],
            }
            for row in rows
        ]
        session.execute(insert(Experiment), experiments)
        session.execute(insert(Standing), rows)
        facets = [
            {
                "experiment_id": row["experiment_id"],
                "kind": kind,
                "value": row[kind],
                "archived": row["archived"],
            }
            for row in rows
            for kind in ("state", "dataset")
        ]
        session.execute(insert(StandingFacet), facets)
    with sessions() as session:
        return {row.experiment_id: row for row in session.scalars(select(Standing))}


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("sort", get_args(Sort))
def test_pages_lose_and_double_nothing_with_equal_and_missing_keys(
    sessions: Sessions, hundred: dict[str, Standing], sort: Sort, direction: Direction
) -> None:
    order = Order(sort=sort, direction=direction)
    pages = paged(sessions, order, limit=7)
    assert [len(page) for page in pages] == [7] * 12 + [6]
    ids = [each for page in pages for each in page]
    assert set(ids) == {each for each, row in hundred.items() if not row.archived}
    columns = {"name": "name_folded", "ap": "best_ap", "delta": "best_delta", "state": "state_order"}
    keys = [
        getattr(hundred[each], columns.get(sort, f"{sort}_at" if sort == "created" else sort)) for each in ids
    ]
    known = [key for key in keys if key is not None]
    assert keys == known + [None] * (len(keys) - len(known)), "what has no value comes last"
    assert known == sorted(known, reverse=direction == "desc")
    for one, other in pairwise(ids):
        if keys[ids.index(one)] == keys[ids.index(other)]:
            ages = [(hundred[each].created_at, each) for each in (one, other)]
            assert ages == sorted(ages, reverse=direction == "desc")


def test_an_experiment_added_or_deleted_meanwhile_shifts_no_page(submit: Submit, sessions: Sessions) -> None:
    ids = [submit() for _ in range(4)]
    refresh(sessions, sessions)
    with sessions() as session:
        first = list_experiments(session, Filters(), Order(), limit=2)
    submit()
    with sessions.begin() as session:
        session.delete(session.get_one(Experiment, ids[2]))
    refresh(sessions, sessions)
    with sessions() as session:
        rest = list_experiments(session, Filters(), Order(), limit=2, cursor=first.next_cursor)
    assert [row.experiment_id for row in first.items] == [ids[3], ids[2]]
    assert [row.experiment_id for row in rest.items] == [ids[1], ids[0]]


MOMENT, ID = "2026-01-01T00:00:00+00:00", "0" * 16


@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ("created", (MOMENT, ID)),
        ("created", ("created", "asc", None, MOMENT, ID)),
        ("created", ("created", "desc", "x", MOMENT, ID)),
        ("ap", ("delta", "desc", 0.1, MOMENT, ID)),
        ("ap", ("ap", "desc", "0.1", MOMENT, ID)),
        ("ap", ("ap", "desc", True, MOMENT, ID)),
        ("ap", ("ap", "desc", 0.1, "2026-01-01", ID)),
        ("ap", ("ap", "desc", 0.1, MOMENT, "x")),
        ("ap", ("ap", "desc", [], MOMENT, ID)),
        ("name", ("name", "desc", "nul\0", MOMENT, ID)),
        ("name", ("name", "desc", None, MOMENT, ID)),
        ("state", ("state", "desc", 10**30, MOMENT, ID)),
    ],
)
def test_a_cursor_of_another_order_or_of_nobody_is_refused(
    sessions: Sessions, sort: Sort, values: tuple[object, ...]
) -> None:
    with sessions() as session, pytest.raises(InvalidCursorError):
        list_experiments(session, Filters(), Order(sort=sort), limit=2, cursor=write_cursor(*values))


@pytest.mark.parametrize("text", ["NaN", "Infinity", '"\\ud800"', "[" * 900])
def test_a_cursor_that_a_database_cannot_compare_with_is_refused(sessions: Sessions, text: str) -> None:
    import base64

    for sort in ("ap", "name"):
        whole = f'["{sort}","desc",{text},"{MOMENT}","{ID}"]'
        cursor = base64.urlsafe_b64encode(whole.encode()).decode()
        with sessions() as session, pytest.raises(InvalidCursorError):
            list_experiments(session, Filters(), Order(sort=sort), limit=2, cursor=cursor)


def test_a_cursor_gives_back_what_it_was_made_of() -> None:
    values = ["name", "asc", "ünïcode %_", MOMENT, ID]
    assert read_cursor(write_cursor(*values), 5) == values
    assert json.loads(json.dumps(1 / 3)) == 1 / 3


def test_experiments_are_filtered(submit: Submit, sessions: Sessions) -> None:
    plain = submit(name="plain")
    tagged = submit(name="Ünder_score", tags=["blood", "small"])
    anns = submit(submitted_by="ann", methods=["none", "pkd"])
    assert listed(sessions) == [anns, tagged, plain]
    assert listed(sessions, tag="blood") == [tagged]
    assert listed(sessions, tag="other") == []
    assert listed(sessions, submitted_by="ann") == [anns]
    assert listed(sessions, method="pkd") == [anns]
    assert listed(sessions, dataset="synthetic", state="queued") == [anns, tagged, plain]
    assert listed(sessions, archived=True) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("100%", ["plain 100%"]),
        ("%", ["plain 100%"]),
        ("_", ["Ünder_score"]),
        ("üNDER", ["Ünder_score"]),
        ("  plain ", ["plain 100%"]),
        ("/", []),
        ("\\", []),
        ("", ["Ünder_score", "plain 100%"]),
        ("nothing", []),
    ],
)
def test_a_search_takes_every_character_as_itself(
    submit: Submit, sessions: Sessions, search: str, found: list[str]
) -> None:
    names = {submit(name=name): name for name in ("plain 100%".replace("%", "@"), "Ünder_score")}
    with sessions.begin() as session:  # a name that a specification may not have, but an older row might
        session.execute(update(Experiment).where(Experiment.name == "plain 100@").values(name="plain 100%"))
    names = {each: name.replace("@", "%") for each, name in names.items()}
    assert [names[each] for each in listed(sessions, search=search)] == found


def test_an_id_is_found_by_its_beginning(submit: Submit, sessions: Sessions) -> None:
    one, _ = submit(name="one"), submit(name="other")
    assert listed(sessions, search=one[:7].upper()) == [one]
    assert listed(sessions, search=one[3:12]) == []


def test_counts_equal_a_full_recount(sessions: Sessions, hundred: dict[str, Standing]) -> None:
    active = [row for row in hundred.values() if not row.archived]
    with sessions() as session:
        everything = counts(session, Filters())
        chosen = counts(session, Filters(state="failed", search="B Ä"))
        archived = counts(session, Filters(archived=True))
    assert everything["state"] == Counter(row.state for row in active)
    assert everything["dataset"] == Counter(row.dataset for row in active)
    assert everything["tag"] == {}
    sought = [row for row in active if row.name_folded == "b ä"]
    assert chosen["state"] == Counter(row.state for row in sought), "as if no state were chosen"
    assert chosen["dataset"] == Counter(row.dataset for row in sought if row.state == "failed")
    assert sum(archived["state"].values()) == len(hundred) - len(active)


def test_the_state_filter_agrees_with_the_derived_state(submit: Submit, sessions: Sessions) -> None:
    chance = random.Random(7)
    ids = [submit() for _ in range(40)]
    expected = {}
    with sessions.begin() as session:
        for experiment_id in ids:
            choice = chance.sample(list(JobState), chance.randint(1, 3))
            jobs = session.scalars(select(Job).where(Job.experiment_id == experiment_id)).all()
            for job in jobs:
                job.state = chance.choice(choice)
            expected[experiment_id] = experiment_state([job.state for job in jobs])
    found = {each: state for state in EXPERIMENT_STATES for each in listed(sessions, state=state)}
    assert found == expected
    assert len(set(expected.values())) >= 6
    assert set(expected.values()) <= set(EXPERIMENT_STATES)


def test_work_is_counted_as_the_jobs_say(submit: Submit, sessions: Sessions) -> None:
    first, second = submit(), submit()
    with sessions.begin() as session:
        jobs = session.scalars(select(Job).where(Job.experiment_id == first).order_by(Job.position)).all()
        jobs[0].state, jobs[0].total_steps = JobState.SUCCEEDED, 10
        jobs[1].state, jobs[1].step, jobs[1].total_steps, jobs[1].eta_seconds = JobState.RUNNING, 1, 4, 9.0
        jobs[2].step, jobs[2].total_steps = 7, 5
    with sessions() as session:
        work = work_of(session, [first, second, "nobody"], with_times=True)
    assert work[first].progress == pytest.approx((1 + 0.25 + 1) / 3)
    assert work[first].states == {JobState.SUCCEEDED: 1, JobState.RUNNING: 1, JobState.WAITING: 1}
    assert [time.eta_seconds for time in work[first].times if time.state is JobState.RUNNING] == [9.0]
    assert (work[second].progress, work[second].times) == (0.0, [])
    assert work["nobody"].states == {}


def test_a_longer_list_takes_no_more_statements(database: Engine, submit: Submit, sessions: Sessions) -> None:
    def count() -> int:
        refresh(sessions, sessions)
        with _count_statements(database) as statements, sessions() as session:
            page = list_experiments(session, Filters(), Order(), limit=50)
            for row in page.items:
                assert (row.experiment.name, row.experiment.tags) == ("small", [])
            work_of(session, [row.experiment_id for row in page.items])
            counts(session, Filters())
        return len([statement for statement in statements if statement.startswith("SELECT")])

    submit()
    few = count()
    for _ in range(4):
        submit()
    assert count() == few


@contextmanager
def _count_statements(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)
