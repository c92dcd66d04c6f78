"""Metric series as points, and as pandas frames where pandas is there."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.client.base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas

_NONFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class MetricPoint(Answer):
    """One recorded number. What is not finite is stored without a value, and `nonfinite` says what it was."""

    step: int
    value: float | None
    nonfinite: str | None = None
    time: datetime | None = None

    @property
    def number(self) -> float:
        """The value as it was recorded: nan and infinities too."""
        return self.value if self.value is not None else _NONFINITE.get(self.nonfinite or "", math.nan)


class MetricSeries(Answer):
    """The points of one name, by rising step."""

    name: str
    num_points: int
    points: tuple[MetricPoint, ...]


def frame_of(series: "Mapping[str, Sequence[MetricPoint]]", **columns: Any) -> "pandas.DataFrame":
    """One row a step and one column a series, behind `columns` that are the same in every row.

    Where a series has no point at a step, its cell is nan. Raises ImportError where pandas is not installed.
    """
    pd = _pandas()
    table = pd.DataFrame(
        {
            name: pd.Series({point.step: point.number for point in points}, dtype="float64")
            for name, points in series.items()
        }
    ).sort_index()
    table.index.name = "step"
    table = table.reset_index()
    for place, (name, value) in enumerate(columns.items()):
        table.insert(place, name, value)
    return table


def joined(frames: "Sequence[pandas.DataFrame]") -> "pandas.DataFrame":
    """Frames below each other. Raises ImportError where pandas is not installed."""
    pd = _pandas()
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "a frame needs pandas: pip install pandas; without it, job.metrics(NAME) gives the points"
        ) from error
    return pandas
