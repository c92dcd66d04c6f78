"""The metrics store: narrow rows keyed (series, step), so that writing the same again changes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from frs_core.events import MetricEvent
from service.db.buckets import keep_buckets
from service.db.models import MetricPoint, MetricSeries
from service.db.upsert import upsert


@dataclass(frozen=True, kw_only=True)
class Series:
    """A metric's points by rising step, `num_points` of those asked for; fewer are given where thinned."""

    name: str
    num_points: int
    steps: tuple[int, ...]
    values: tuple[float | None, ...]
    times: tuple[float, ...]
    nonfinite: dict[int, str]
    """Steps whose value is None because it was `nan`, `inf` or `-inf`."""


def write_points(session: Session, job_id: str, events: Iterable[MetricEvent]) -> None:
    """Record the values; of two for the same name and step the last one stays."""
    points: dict[tuple[str, int], dict[str, Any]] = {}
    for event in events:
        for name, value in event.values.items():
            kind = event.nonfinite.get(name)
            points[name, event.step] = {"value": value, "nonfinite": kind, "time": event.time}
    if not points:
        return
    series = _series_ids(session, job_id, {name for name, _ in points})
    rows = [{"series_id": series[name], "step": step, **point} for (name, step), point in points.items()]
    upsert(session, MetricPoint, rows, key=("series_id", "step"), update=("value", "nonfinite", "time"))
    steps = [step for _, step in points]
    keep_buckets(session, list(series.values()), first_step=min(steps), last_step=max(steps))


def read_series(
    session: Session,
    job_id: str,
    *,
    names: Sequence[str] | None = None,
    max_points: int | None = None,
    after: int | None = None,
) -> list[Series]:
    """The job's series by name, behind step `after`.

    Beyond `max_points` each keeps every n-th point and its last one.
    """
    heads = _heads(session, job_id, names, after)
    chosen = _points(session, [head.id for head in heads], max_points, after)
    return [
        Series(
            name=head.name,
            num_points=head.num_points,
            steps=tuple(point.step for point in chosen[head.id]),
            values=tuple(point.value for point in chosen[head.id]),
            times=tuple(point.time for point in chosen[head.id]),
            nonfinite={point.step: point.nonfinite for point in chosen[head.id] if point.nonfinite},
        )
        for head in heads
    ]


def series_names(session: Session, job_id: str) -> list[str]:
    """The names of the job's series."""
    statement = select(MetricSeries.name).where(MetricSeries.job_id == job_id).order_by(MetricSeries.name)
    return list(session.scalars(statement))


def _series_ids(session: Session, job_id: str, names: set[str]) -> dict[str, int]:
    rows = [{"job_id": job_id, "name": name} for name in sorted(names)]
    upsert(session, MetricSeries, rows, key=("job_id", "name"))
    statement = select(MetricSeries.name, MetricSeries.id).where(
        MetricSeries.job_id == job_id, MetricSeries.name.in_(names)
    )
    return {row.name: row.id for row in session.execute(statement)}


def _heads(
    session: Session, job_id: str, names: Sequence[str] | None, after: int | None
) -> Sequence[Row[int, str, int]]:
    """The series with the number of their points, or of those behind `after`: what was read before is not
    counted again.
    """
    wanted = MetricPoint.series_id == MetricSeries.id
    if after is not None:
        wanted = and_(wanted, MetricPoint.step > after)
    statement = (
        select(MetricSeries.id, MetricSeries.name, func.count(MetricPoint.step).label("num_points"))
        .join(MetricPoint, wanted, isouter=after is not None)
        .where(MetricSeries.job_id == job_id)
        .group_by(MetricSeries.id, MetricSeries.name)
        .order_by(MetricSeries.name)
    )
    if names is not None:
        statement = statement.where(MetricSeries.name.in_(names))
    return session.execute(statement).all()


def _points(
    session: Session, series_ids: Sequence[int], max_points: int | None, after: int | None
) -> dict[int, list[Row[Any]]]:
    order = func.row_number().over(partition_by=MetricPoint.series_id, order_by=MetricPoint.step)
    count = func.count().over(partition_by=MetricPoint.series_id)
    numbered = (
        select(
            MetricPoint.series_id,
            MetricPoint.step,
            MetricPoint.value,
            MetricPoint.time,
            MetricPoint.nonfinite,
            (order - 1).label("number"),
            count.label("num_points"),
        )
        .where(MetricPoint.series_id.in_(series_ids), *([] if after is None else [MetricPoint.step > after]))
        .subquery()
    )
    statement = select(numbered).order_by(numbered.c.series_id, numbered.c.step)
    if max_points is not None:
        stride = (numbered.c.num_points + max_points - 1) // max_points
        last = numbered.c.number == numbered.c.num_points - 1
        statement = statement.where((numbered.c.number % stride == 0) | last)
    points: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(statement):
        points[row.series_id].append(row)
    return points
