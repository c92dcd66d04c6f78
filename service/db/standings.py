"""Keeps `standings` true: finds the experiments of which something is new, and writes where they stand.

An event is written in the transaction of what it tells of, so an experiment without a new event stands as it
stood. Whoever reads a list first lets `service.comparison.standing` do what this module finds to do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.db.live import settled_event_id
from service.db.models import Event, Experiment, Standing, StandingFacet, StandingsWatermark
from service.db.upsert import upsert

SETTLED_WITHIN = timedelta(minutes=1)
"""Longer than any transaction here takes: what came late is found for so long, at the price of a count."""

_ROW = 1
_IDS = 500
_UPDATED = [column.name for column in Standing.__table__.columns if column.name != "experiment_id"]


@dataclass(frozen=True, kw_only=True)
class AsOf:
    """How much of an experiment was seen: the last of its events, and how many. Both only grow."""

    event_id: int
    num_events: int


@dataclass(frozen=True, kw_only=True)
class Stale:
    """What is to be done: experiments with news, and those that no row stands for, the newest first.

    Up to `seen_event_id` there is no news; once those with news are written, up to `settled_event_id`.
    """

    changed: Sequence[str]
    missing: Sequence[str]
    seen_event_id: int
    settled_event_id: int


@dataclass(frozen=True, kw_only=True)
class Made:
    """Where one experiment stands: the columns of its row, and the values it is found by."""

    columns: Mapping[str, Any]
    facets: Mapping[str, Iterable[str]]


def stale(session: Session) -> Stale:
    """What has changed since the standings were written; a few looks at indexes where nothing has."""
    settled, seen = settled_event_id(session, within=SETTLED_WITHIN), watermark(session)
    return Stale(
        changed=_changed(session, seen),
        missing=_missing(session),
        seen_event_id=seen,
        settled_event_id=settled,
    )


def as_of(session: Session, experiment_ids: Sequence[str]) -> dict[str, AsOf]:
    """How far the events of each experiment go. Read it before what is to be as new as it says."""
    statement = (
        select(Event.experiment_id, func.max(Event.id), func.count())
        .where(Event.experiment_id.in_(experiment_ids))
        .group_by(Event.experiment_id)
    )
    found = {row[0]: AsOf(event_id=row[1], num_events=row[2]) for row in session.execute(statement)}
    return {each: found.get(each, AsOf(event_id=0, num_events=0)) for each in experiment_ids}


def write(session: Session, made: Sequence[Made]) -> None:
    """Write where experiments stand, unless one was deleted, or another process wrote what is newer."""
    by_id = {each.columns["experiment_id"]: each for each in made}
    # The lock lets no experiment be deleted before the commit.
    there = session.scalars(
        select(Experiment.id)
        .where(Experiment.id.in_(by_id))
        .order_by(Experiment.id)
        .with_for_update(read=True, key_share=True)
    ).all()
    if not there:
        return
    written = _upsert_newer(session, [dict(by_id[each].columns) for each in there])
    session.execute(delete(StandingFacet).where(StandingFacet.experiment_id.in_(written)))
    facets = [
        {"experiment_id": each, "kind": kind, "value": value, "archived": by_id[each].columns["archived"]}
        for each in written
        for kind, values in by_id[each].facets.items()
        for value in sorted(set(values))
    ]
    if facets:
        session.execute(insert(StandingFacet), facets)


def analyse(session: Session) -> None:
    """Tell PostgreSQL of many new rows: until it finds out by itself, it joins as if there were none."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE standings, standing_facets"))


def advance(session: Session, event_id: int) -> None:
    """Say that the standings know of all events up to this one; never less than what was said before."""
    upsert(session, StandingsWatermark, [{"id": _ROW, "event_id": event_id}], key=("id",))
    session.execute(
        update(StandingsWatermark).where(StandingsWatermark.event_id < event_id).values(event_id=event_id)
    )


def watermark(session: Session) -> int:
    """The event that `advance` was last told."""
    return session.scalar(select(StandingsWatermark.event_id)) or 0


def _changed(session: Session, seen: int) -> list[str]:
    """Those whose events behind `seen` their row does not know, the latest first."""
    news = session.scalars(select(Event.experiment_id).where(Event.id > seen).order_by(Event.id.desc())).all()
    ids = [each for each in dict.fromkeys(news) if each is not None]
    parts = (ids[start : start + _IDS] for start in range(0, len(ids), _IDS))
    return [each for part in parts for each in _outdated(session, part)]


def _outdated(session: Session, experiment_ids: Sequence[str]) -> list[str]:
    statement = select(Standing.experiment_id, Standing.event_id, Standing.num_events)
    known = {
        row.experiment_id: AsOf(event_id=row.event_id, num_events=row.num_events)
        for row in session.execute(statement.where(Standing.experiment_id.in_(experiment_ids)))
    }
    there = as_of(session, experiment_ids)
    return [each for each in experiment_ids if each in known and known[each] != there[each]]


def _missing(session: Session) -> Sequence[str]:
    """Those without a row, the newest first. A row goes with its experiment, so equal numbers say: none."""
    numbers = select(
        select(func.count()).select_from(Experiment).scalar_subquery(),
        select(func.count()).select_from(Standing).scalar_subquery(),
    )
    num_experiments, num_standings = session.execute(numbers).one()
    if num_experiments == num_standings:
        return ()
    statement = (
        select(Experiment.id)
        .where(~select(Standing.experiment_id).where(Standing.experiment_id == Experiment.id).exists())
        .order_by(Experiment.created_at.desc(), Experiment.id.desc())
    )
    return session.scalars(statement).all()


def _upsert_newer(session: Session, rows: list[dict[str, Any]]) -> Sequence[str]:
    """The ids of the rows that were written."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Standing).values(rows)
    new = statement.excluded
    is_newer = tuple_(new.event_id, new.num_events) >= tuple_(Standing.event_id, Standing.num_events)
    return session.scalars(
        statement.on_conflict_do_update(
            index_elements=["experiment_id"], set_={name: new[name] for name in _UPDATED}, where=is_newer
        ).returning(Standing.experiment_id)
    ).all()
