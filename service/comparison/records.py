"""What a comparison is made from: one record per run, free of database and network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from service.comparison.bootstrap import Values

Role = Literal["teacher", "student"]
Split = Literal["train", "val", "test"]
Source = Literal["run", "external", "cited"]
"""Whether a row was run here, was made elsewhere and judged here, or is but cited."""


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """What a run's detector costs: parameters, multiply-adds an image, latency on its device."""

    params: int
    macs: int
    latency_ms: float
    device: str
    threads: int


@dataclass(frozen=True, kw_only=True)
class SearchRecord:
    """What was tried before the run: values of parameters and the AP they had on `split`.

    An AP of None says that the loss diverged, or that
    val has nothing to judge. `chosen` is the number of the one that the run was given.
    """

    tried: tuple[tuple[Mapping[str, Any], float | None], ...]
    chosen: int
    split: Split


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run and the numbers it ended with.

    `metrics` are fractions by the names in COCO_METRICS, None where COCO says -1; the whole is None while the
    run has no result, and so are then `step`, `dataset_hash`, `evaluator` and `num_images`. `split` is
    where the result was, or will be, measured. Two hashes are of the specification: of the schedule and of
    the detector that is trained; `teacher_hash` is of the weights that a student learns from, None where it
    reads none. `init` is how a student started. `cost` is None where it was not measured, `expected_ap` (on
    val) where the experiment states none, `search` where no option was searched for. `draws` is the AP of
    each draw of the images, None where that was not computed. `history` is (epoch, AP on val) by rising step,
    also of a run that goes on; `per_class` is the AP of each class on `split`.

    What is `external` was only judged here: its seed and schedule say nothing, and where its boxes came as a
    file it has no input size. `note` is what its user says of it. `max_images` is the part of each split that
    it was tried on, None where all were used.
    """

    job_id: str
    label: str
    method: str | None
    role: Role
    seed: int
    state: str
    split: Split
    input_size: tuple[int, int] | None
    schedule_hash: str
    detector_hash: str
    teacher_hash: str | None = None
    init: str = "scratch"
    metrics: Mapping[str, float | None] | None = None
    step: int | None = None
    dataset_hash: str | None = None
    evaluator: str | None = None
    num_images: int | None = None
    expected_ap: float | None = None
    search: SearchRecord | None = None
    cost: RunCost | None = None
    draws: Values | None = field(default=None, compare=False)
    history: tuple[tuple[int, float | None], ...] = ()
    per_class: Mapping[str, float | None] | None = None
    source: Source = "run"
    note: str | None = None
    max_images: int | None = None

    @property
    def ap(self) -> float | None:
        """AP as a fraction; None without a result."""
        return None if self.metrics is None else self.metrics.get("ap")

    @property
    def best_val_ap(self) -> float | None:
        """The largest AP on val that any of its checkpoints had; None without a result."""
        known = [ap for _, ap in self.history if ap is not None]
        return max(known) if known and self.metrics is not None else None


@dataclass(frozen=True, kw_only=True)
class CitedRecord:
    """Published numbers, fractions by the names in COCO_METRICS, and where they are from."""

    label: str
    metrics: Mapping[str, float]
    citation: str
