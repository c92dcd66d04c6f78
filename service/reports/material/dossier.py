"""What every report is made of, read once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from service.comparison import Comparison
from service.comparison.differences import Difference, differences
from service.comparison.figures import Figure, figures_of
from service.comparison.findings import Findings
from service.comparison.records import RunRecord


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A series of a run, in full precision; None where a value was not finite."""

    name: str
    steps: Sequence[int]
    values: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What stands of a run in the appendix."""

    job_id: str
    label: str
    role: str
    method: str | None
    seed: int
    state: str
    reason: str | None
    step: int
    job_key: str
    dataset_hash: str | None
    evaluator: str | None
    num_attempts: int
    started_at: datetime | None
    finished_at: datetime | None
    reused_from: str | None
    spec: Mapping[str, Any]
    environment: Mapping[str, Any]
    hashes: tuple[tuple[str, str], ...]
    """Of what it stored: kind or name, and SHA-256."""

    @property
    def name(self) -> str:
        """Of a run among its row's."""
        return self.label if self.role in ("teacher", "external") else f"{self.label} seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A picture of an image for a report: a JPEG with what was drawn over it."""

    title: str
    jpeg: bytes


@dataclass(frozen=True, kw_only=True)
class Example:
    """One image, as several see it, and why it is shown."""

    title: str
    caption: str
    panels: tuple[Panel, ...]


def _nothing(_: str) -> Any:
    return ()


def _no_log(_: str) -> str:
    return ""


def _silent(_share: float, _stage: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """The findings, the runs behind them, and where more is read from when a format needs it.

    `no_examples` says why there are no images. `metrics` and `log_tail` take a job's id. `tell` is told how
    much of a report is done (0 to 1) and what is being done.
    """

    findings: Findings
    sheets: tuple[Sheet, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    examples: tuple[Example, ...] = ()
    no_examples: str = ""
    metrics: Callable[[str], Iterable[Metric]] = _nothing
    log_tail: Callable[[str], str] = _no_log
    tell: Callable[[float, str], None] = _silent

    @classmethod
    def of(cls, comparison: Comparison, runs: Sequence[RunRecord] = ()) -> "Dossier":
        """Of a comparison alone."""
        return cls(findings=Findings(comparison=comparison, runs=tuple(runs)))

    @property
    def comparison(self) -> Comparison:
        """What the report answers with."""
        return self.findings.comparison

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """The same as on the page."""
        return figures_of(self.findings)

    @property
    def compared_specs(self) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
        """The students' rows, and the settings in which their first runs differ."""
        firsts: dict[str, Sheet] = {}
        for sheet in self.sheets:
            if sheet.role == "student":
                firsts.setdefault(sheet.label, sheet)
        found = differences([sheet.spec for sheet in firsts.values()], seeds=False)
        return tuple(firsts), found
