"""What an experiment will cost: per row and in all. Pure, and torch-free."""

import heapq
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from frs_core.planning.advice import MemoryNeed, advice, estimated_peak, fits, need_of
from frs_core.spec.expand import PlannedJob, expand
from frs_core.spec.experiment import ExperimentSpec
from frs_core.spec.job import JobKind, JobSpec

_WEIGHTS_FILES = 4


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Measured(_Record):
    """One row, tried on a device: `peaks` are bytes of memory by batch size, of those that fitted.

    `fitted` says whether the asked batch did; where it did not, `seconds_per_step` are those of a smaller one
    in proportion. What was not tried is None.
    """

    fitted: bool = True
    seconds_per_step: float | None = None
    seconds_per_image: float | None = Field(default=None, description="Of an evaluation")
    peaks: dict[int, int] = Field(default_factory=dict)
    state_bytes: int = 0
    weights_bytes: int = 0


class Device(_Record):
    """Where it was tried; `memory_bytes` is the host's where it trains on the CPU."""

    name: str
    on_gpu: bool
    memory_bytes: int | None


class Images(_Record):
    """How many images the splits have."""

    train: int
    val: int
    test: int = 0


class PlanRow(_Record):
    """The jobs of one row of the comparison. What was not measured is None; `seconds` are of one job.

    `memory_bytes` is each process's peak at the row's batch size, `disk_bytes` what all its jobs keep.
    """

    label: str
    role: str
    jobs: int
    batch_size: int
    steps: int | None
    seconds_per_step: float | None = None
    seconds: float | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    fits: bool | None = None
    advice: tuple[str, ...] = ()


class Plan(_Record):
    """`seconds` is from the first job's start to the last one's end, `num_slots` running at a time."""

    name: str
    timed: bool
    rows: tuple[PlanRow, ...]
    num_jobs: int
    num_slots: int
    steps: int | None
    seconds: float | None = None
    disk_bytes: int | None = None
    device: Device | None = None
    fits: bool | None = None
    notes: tuple[str, ...] = ()


def make_plan(
    experiment: ExperimentSpec,
    *,
    images: Images | None,
    num_slots: int,
    keep_states: int = 2,
    device: Device | None = None,
    measured: Mapping[str, Measured] | None = None,
    notes: Sequence[str] = (),
) -> Plan:
    """The plan, from what each row's label measured; without measurements only what needs none."""
    by_label: dict[str, list[PlannedJob]] = {}
    for planned in expand(experiment):
        by_label.setdefault(planned.label, []).append(planned)
    found = measured or {}
    rows = [
        _row(jobs, images=images, keep_states=keep_states, device=device, measured=found.get(label))
        for label, jobs in by_label.items()
    ]
    return Plan(
        name=experiment.name,
        timed=measured is not None,
        rows=tuple(rows),
        num_jobs=sum(row.jobs for row in rows),
        num_slots=num_slots,
        steps=_sum([None if row.steps is None else row.steps * row.jobs for row in rows]),
        seconds=_makespan(rows, num_slots),
        disk_bytes=_sum([row.disk_bytes for row in rows]),
        device=device,
        fits=_all([row.fits for row in rows]),
        notes=tuple(notes),
    )


def memory_need(spec: JobSpec, device: Device, peaks: Mapping[int, int]) -> MemoryNeed:
    """What each process of a job needs of the device that it was tried on."""
    return need_of(
        spec, on_gpu=device.on_gpu, device=device.name, memory_bytes=device.memory_bytes, peaks=peaks
    )


def _row(
    jobs: Sequence[PlannedJob],
    *,
    images: Images | None,
    keep_states: int,
    device: Device | None,
    measured: Measured | None,
) -> PlanRow:
    spec = jobs[0].spec
    trains = spec.kind is not JobKind.EVALUATE
    steps = 0 if not trains else None if images is None else spec.schedule.length(images.train).steps
    row = PlanRow(
        label=jobs[0].label,
        role=jobs[-1].role,
        jobs=len(jobs),
        batch_size=spec.schedule.batch_size,
        steps=steps,
    )
    if measured is None or device is None:
        return row
    kept = spec.schedule.keep_states or keep_states
    need = memory_need(spec, device, measured.peaks)
    peak = estimated_peak(need) if trains else None
    fit = None if not trains else fits(need) if measured.fitted else False
    return row.model_copy(
        update={
            "seconds_per_step": measured.seconds_per_step,
            "seconds": _seconds(spec, steps, images, measured),
            "memory_bytes": None if peak is None else round(peak),
            "disk_bytes": len(jobs) * _disk_bytes(measured, kept if trains else 0),
            "fits": fit,
            "advice": advice(need) if fit is False else (),
        }
    )


def _seconds(spec: JobSpec, steps: int | None, images: Images | None, measured: Measured) -> float | None:
    """Of one job: its steps and its evaluations."""
    if steps is None or images is None or measured.seconds_per_image is None:
        return None
    if steps and measured.seconds_per_step is None:
        return None
    interval = spec.schedule.evaluate_every_epochs * spec.schedule.length(images.train).steps_per_epoch
    evaluations = 1 + ((steps - 1) // interval if steps else 0)
    looked_at = evaluations * images.val + images.test
    return steps * (measured.seconds_per_step or 0.0) + looked_at * measured.seconds_per_image


def _disk_bytes(measured: Measured, states: int) -> int:
    """States, and files of about the same size: weights, the best ones, an export and its ONNX file."""
    return states * measured.state_bytes + _WEIGHTS_FILES * measured.weights_bytes


def _makespan(rows: Sequence[PlanRow], num_slots: int) -> float | None:
    """The teacher first; then each student's job to the slot that is free first."""
    free = [0.0] * num_slots
    start = 0.0
    for row in rows:
        if row.seconds is None:
            return None
        if row.role == "teacher":
            start += row.seconds
            continue
        for _ in range(row.jobs):
            heapq.heapreplace(free, free[0] + row.seconds)
    return start + max(free)


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _all(values: Sequence[bool | None]) -> bool | None:
    """False if any is; None if nothing is known."""
    if any(value is False for value in values):
        return False
    return True if any(values) else None
