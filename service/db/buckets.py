"""Charts of metrics: a series in a few hundred buckets, each with its least, greatest and last value.

A spike of one step is always in its bucket's greatest value. For long stretches the buckets are made of
`metric_buckets`, which are kept as the points are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, literal_column, select
from sqlalchemy.orm import Session

from service.db.models import MetricBucket, MetricPoint, MetricSeries
from service.db.upsert import upsert

BUCKET_STEPS = 256


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A series in buckets of `width` steps, by rising step; None where a bucket has no finite value.

    `last` is the value of `steps`, the last recorded step of each bucket; `num_nonfinite` counts its points
    that were no finite number.
    """

    name: str
    width: int
    steps: tuple[int, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    last: tuple[float | None, ...]
    num_nonfinite: tuple[int, ...]


@dataclass(frozen=True)
class _Part:
    """Some steps of a series: the ends of their values, their last step, how many were not finite."""

    bucket: int
    low: float | None
    high: float | None
    last_step: int
    num_nonfinite: int


def keep_buckets(session: Session, series_ids: Sequence[int], *, first_step: int, last_step: int) -> None:
    """Bring up to date what is kept of these steps, both ends included, from their points."""
    first, last = first_step // BUCKET_STEPS, last_step // BUCKET_STEPS
    statement = _parts(_place(MetricPoint.step, 0, BUCKET_STEPS)).where(
        MetricPoint.series_id.in_(series_ids),
        MetricPoint.step >= first * BUCKET_STEPS,
        MetricPoint.step < (last + 1) * BUCKET_STEPS,
    )
    rows = [dict(row._mapping) for row in session.execute(statement)]
    changing = ("low", "high", "last_step", "num_nonfinite")
    upsert(session, MetricBucket, rows, key=("series_id", "bucket"), update=changing)


def forget_buckets(session: Session, series_ids: Sequence[int], *, beyond: int) -> None:
    """Drop what is kept of steps that were deleted: those greater than `beyond`."""
    gone = delete(MetricBucket).where(
        MetricBucket.series_id.in_(series_ids), MetricBucket.bucket >= (beyond + 1) // BUCKET_STEPS
    )
    session.execute(gone, execution_options={"synchronize_session": False})
    if series_ids and beyond >= 0:
        keep_buckets(session, series_ids, first_step=beyond, last_step=beyond)


def read_charts(
    session: Session,
    job_id: str,
    *,
    names: Sequence[str] | None = None,
    num_buckets: int,
    first_step: int | None = None,
    last_step: int | None = None,
) -> list[Chart]:
    """The job's series by name, from one step to another, in at most `num_buckets` buckets each."""
    heads = select(MetricSeries.id, MetricSeries.name).where(MetricSeries.job_id == job_id)
    if names is not None:
        heads = heads.where(MetricSeries.name.in_(names))
    charts = []
    for series_id, name in session.execute(heads.order_by(MetricSeries.name)):
        first, last = _ends(session, series_id)
        first = first if first_step is None else max(first, first_step)
        last = last if last_step is None else min(last, last_step)
        if last >= first:
            charts.append(_chart(session, (series_id, name), first, last, num_buckets))
    return charts


def _ends(session: Session, series_id: int) -> tuple[int, int]:
    """The first and the last step; of a series without points an empty range.

    Asked for one by one: SQLite reads either end from the index, but both at once from all points.
    """
    own = MetricPoint.series_id == series_id
    first, last = (session.scalar(select(end(MetricPoint.step)).where(own)) for end in (func.min, func.max))
    return (0, -1) if first is None or last is None else (first, last)


def _chart(session: Session, series: tuple[int, str], first: int, last: int, num_buckets: int) -> Chart:
    series_id, name = series
    width = -(-(last - first + 1) // num_buckets)
    if width < BUCKET_STEPS:
        parts = _of_points(session, series_id, first, last, width)
    else:
        width = -(-(last // BUCKET_STEPS - first // BUCKET_STEPS + 1) // num_buckets) * BUCKET_STEPS
        parts = _of_kept(session, series_id, first, last, width)
    steps = tuple(part.last_step for part in parts)
    values = _values(session, series_id, steps)
    return Chart(
        name=name,
        width=width,
        steps=steps,
        low=tuple(part.low for part in parts),
        high=tuple(part.high for part in parts),
        last=tuple(values[step] for step in steps),
        num_nonfinite=tuple(part.num_nonfinite for part in parts),
    )


def _place(column: Any, first: int, width: int) -> ColumnElement[int]:
    """Which part of `width`, from `first` on.

    PostgreSQL takes an expression with parameters for another one each time, not for what it groups by.
    """
    place: ColumnElement[int] = (column - literal_column(str(int(first)))) // literal_column(str(int(width)))
    return place


def _parts(bucket: Any) -> Select[Any]:
    return select(
        MetricPoint.series_id.label("series_id"),
        bucket.label("bucket"),
        func.min(MetricPoint.value).label("low"),
        func.max(MetricPoint.value).label("high"),
        func.max(MetricPoint.step).label("last_step"),
        func.count(MetricPoint.nonfinite).label("num_nonfinite"),
    ).group_by(MetricPoint.series_id, bucket)


def _of_points(session: Session, series_id: int, first: int, last: int, width: int) -> list[_Part]:
    bucket = _place(MetricPoint.step, first, width)
    statement = _parts(bucket).where(
        MetricPoint.series_id == series_id, MetricPoint.step >= first, MetricPoint.step <= last
    )
    rows = session.execute(statement.order_by(bucket))
    return [_Part(row.bucket, row.low, row.high, row.last_step, row.num_nonfinite) for row in rows]


def _of_kept(session: Session, series_id: int, first: int, last: int, width: int) -> list[_Part]:
    """Of whole kept buckets, those at the ends included."""
    start, num_kept = first // BUCKET_STEPS, width // BUCKET_STEPS
    group = _place(MetricBucket.bucket, start, num_kept)
    statement = (
        select(
            group.label("bucket"),
            func.min(MetricBucket.low).label("low"),
            func.max(MetricBucket.high).label("high"),
            func.max(MetricBucket.last_step).label("last_step"),
            func.sum(MetricBucket.num_nonfinite).label("num_nonfinite"),
        )
        .where(
            MetricBucket.series_id == series_id,
            MetricBucket.bucket >= start,
            MetricBucket.bucket <= last // BUCKET_STEPS,
        )
        .group_by(group)
        .order_by(group)
    )
    rows = session.execute(statement)
    return [_Part(row.bucket, row.low, row.high, row.last_step, int(row.num_nonfinite)) for row in rows]


def _values(session: Session, series_id: int, steps: Sequence[int]) -> dict[int, float | None]:
    statement = select(MetricPoint.step, MetricPoint.value).where(
        MetricPoint.series_id == series_id, MetricPoint.step.in_(steps)
    )
    return {row.step: row.value for row in session.execute(statement)}
