"""What a comparison is made from: one record per run, free of database and network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from service.comparison.bootstrap import Values

Role = Literal["teacher", "student"]
Split = Literal["train", "val", "test"]


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
    where the result was, or will be, measured. The hashes are of the specification: of the schedule, of
    the teacher a student learns from (None for the teacher itself) and of the detector that is trained;
    `init` is how a student started. `cost` is None where it was not measured, `expected_ap` (on val) where
    the experiment states none, `search` where no option was searched for. `draws` is the AP of each draw of
    the images, None where that was not computed.
    """

    job_id: str
    label: str
    method: str | None
    role: Role
    seed: int
    state: str
    split: Split
    input_size: tuple[int, int]
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

    @property
    def ap(self) -> float | None:
        """AP as a fraction; None without a result."""
        return None if self.metrics is None else self.metrics.get("ap")
