"""Which values of a method's options are tried before the one that is judged."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from frs_core.spec.base import Spec
from frs_core.spec.faults import fault
from frs_core.spec.method import MethodSpec

Scalar = bool | int | float | str
Values = Mapping[str, Scalar]
"""A value for each searched parameter, by its place in the method: `weight`, `options.feature_weight`."""

MAX_BUDGET = 100
BASELINE = "none"
"""The method that a comparison's other rows are held against."""

_OF_ROWS = {"search", "reuse"}
_SEARCHABLE = re.compile(r"(combine\.\d\.)?(weight|options\.\w+)")


class SearchSpec(Spec):
    """Values of a parameter, or a grid over several; `budget` of them are tried, one run each.

    A run is judged by the AP on `val` of its last checkpoint; the best one's values are the method's.
    """

    grid: dict[str, tuple[Scalar, ...]] = Field(min_length=1, max_length=4)
    budget: int = Field(ge=2, le=MAX_BUDGET, description="Runs; equal for every method that is searched")

    @model_validator(mode="before")
    @classmethod
    def _one_parameter(cls, data: Any) -> Any:
        """`parameter` and `values` are the grid of one; a budget left out tries all."""
        if not isinstance(data, dict):
            return data
        if "parameter" in data or "values" in data:
            if "grid" in data:
                raise fault("grid", data["grid"], "give either `grid` or `parameter` and `values`")
            missing = {"parameter", "values"} - data.keys()
            if missing:
                raise fault(min(missing), None, "give both `parameter` and `values`")
            rest = {key: value for key, value in data.items() if key not in ("parameter", "values")}
            data = {**rest, "grid": {str(data["parameter"]): data["values"]}}
        grid = data.get("grid")
        if "budget" not in data and isinstance(grid, dict):
            sizes = [len(values) for values in grid.values() if isinstance(values, list | tuple)]
            data = {**data, "budget": prod(sizes)}
        return data

    @field_validator("grid")
    @classmethod
    def _values_differ(cls, grid: dict[str, tuple[Scalar, ...]]) -> dict[str, tuple[Scalar, ...]]:
        for parameter, values in grid.items():
            if not values or len(set(values)) != len(values):
                raise ValueError(f"give {parameter} one or more different values")
        return grid

    @model_validator(mode="after")
    def _grid_fills_the_budget(self) -> "SearchSpec":
        size = prod(len(values) for values in self.grid.values())
        if size < self.budget:
            raise fault("budget", self.budget, f"there are only {size} combinations: lower it or give more")
        return self

    def candidates(self) -> list[Values]:
        """What is tried: the whole grid, or as many as the budget spread evenly over it."""
        every = [dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())]
        return [every[index * len(every) // self.budget] for index in range(self.budget)]


class SearchedMethod(MethodSpec):
    """A row of an experiment, whose options may first be searched for."""

    search: SearchSpec | None = None
    reuse: bool | None = Field(
        default=None,
        description="Take over the result of the same run where it is there; by default for `none` alone",
    )

    @property
    def is_reused(self) -> bool:
        """Whether its runs may take over what the same ones ended with before."""
        return self.name == BASELINE if self.reuse is None else self.reuse

    @model_validator(mode="after")
    def _every_candidate_is_a_method(self) -> "SearchedMethod":
        if self.search is not None:
            for values in self.search.candidates():
                try:
                    self.with_values(values)
                except (ValueError, LookupError) as error:
                    raise fault("search.grid", dict(values), f"{in_words(values)}: {_why(error)}") from error
        return self

    @property
    def provisional(self) -> MethodSpec:
        """The method as a job has it; of a searched one, the first that is tried until the best is known."""
        plain = self.model_dump(mode="json", exclude=_OF_ROWS)
        return next((each for _, each in self.candidates()), MethodSpec.model_validate(plain))

    def with_values(self, values: Values) -> MethodSpec:
        """The method with these in place. Raises ValueError, or LookupError for a place that is none."""
        plain = self.model_dump(mode="json", exclude=_OF_ROWS)
        for place, value in values.items():
            _put(plain, place, value)
        return MethodSpec.model_validate(plain)

    def candidates(self) -> Iterator[tuple[Values, MethodSpec]]:
        """What is tried, and the method it makes."""
        for values in self.search.candidates() if self.search is not None else ():
            yield values, self.with_values(values)


def _put(plain: dict[str, Any], place: str, value: Scalar) -> None:
    *path, last = place.split(".")
    if not _SEARCHABLE.fullmatch(place):
        raise ValueError(
            f"{place!r} cannot be searched; name `weight` or `options.` and an option, of a combined method "
            "behind `combine.0.`"
        )
    target: Any = plain
    for part in path:
        target = target[int(part)] if isinstance(target, list) else target[part]
    target[last] = value


def in_words(values: Values) -> str:
    """Parameters and values as a name shows them.

    >>> in_words({"options.feature_weight": 0.5, "weight": 2})
    'feature_weight=0.5, weight=2'
    """
    return ", ".join(f"{place.rpartition('.')[2]}={value}" for place, value in values.items())


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(each["msg"] for each in error.errors())
    return "there is no such place" if isinstance(error, LookupError) else str(error)
