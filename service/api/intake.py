"""What is checked of a submission beyond its form, before anything is queued: data, batches, weights."""

import math
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from frs_core import datasets
from frs_core.datasets.check import check
from frs_core.datasets.records import DatasetReport, Fault
from frs_core.errors import CheckpointError
from frs_core.spec import DatasetSpec, ExperimentSpec, JobSpec, ScheduleSpec, Spec
from service.api import checkpoints
from service.api.problems import FieldFault, clean, fault, invalid
from service.db.types import is_id

MAX_DECODED_IMAGES = 5000
"""Larger data sets are read, but their pixels are decoded by the worker."""


def check_experiment(spec: ExperimentSpec, *, visible: bool) -> DatasetReport | None:
    """What the data set holds, or None where this server cannot see it. Raises ProblemError (422)."""
    _refuse(_unstorable(spec))
    _refuse(_weights("teacher.checkpoint", spec.teacher.checkpoint, visible))
    report = _dataset(spec.dataset, visible=visible)
    _refuse(_batch("schedule.batch_size", spec.schedule, report))
    if spec.teacher.train is not None and spec.teacher.train.batch_size is not None:
        teacher = spec.teacher.train.applied_to(spec.schedule)
        _refuse(_batch("teacher.train.batch_size", teacher, report))
    return report


def check_job(spec: JobSpec, *, visible: bool) -> DatasetReport | None:
    """As `check_experiment`, for one job. It waits for no other, so its teacher must be given."""
    _refuse(_unstorable(spec))
    if spec.needs_teacher and spec.teacher is not None and spec.teacher.checkpoint is None:
        message = (
            "a job of its own needs its teacher's weights: give a path or a stored id, or post an experiment"
        )
        raise invalid(fault("teacher.checkpoint", message))
    teacher = None if spec.teacher is None else spec.teacher.checkpoint
    _refuse(_weights("teacher.checkpoint", teacher, visible))
    _refuse(_weights("checkpoint", spec.checkpoint, visible))
    report = _dataset(spec.dataset, visible=visible)
    if spec.checkpoint is None:
        _refuse(_batch("schedule.batch_size", spec.schedule, report))
    return report


def _refuse(faults: Iterator[FieldFault]) -> None:
    found = tuple(faults)
    if found:
        raise invalid(*found)


def _unstorable(spec: Spec) -> Iterator[FieldFault]:
    """What no database keeps: null characters, lone surrogates, numbers that are not finite."""
    for field, value in _leaves(spec.model_dump(mode="python"), ""):
        if isinstance(value, str) and clean(value, len(value)) != value:
            yield fault(field, "holds characters that cannot be stored; remove them", value)
        if isinstance(value, float) and not math.isfinite(value):
            yield fault(field, "is not a finite number", value)


def _leaves(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    children: Iterator[tuple[object, Any]]
    if isinstance(value, dict):
        children = iter(value.items())
    elif isinstance(value, list | tuple):
        children = iter(enumerate(value))
    else:
        yield field, value
        return
    for key, child in children:
        place = f"{field}.{key}" if field else str(key)
        yield place, str(key)
        yield from _leaves(child, place)


def _dataset(spec: DatasetSpec, *, visible: bool) -> DatasetReport | None:
    if spec.root and not PurePath(spec.root).is_absolute():
        message = "give an absolute path: the server does not know which folder this one is relative to"
        raise invalid(fault("dataset.root", message, spec.root))
    if not visible and spec.root:
        return None
    report = check(spec, decode=_num_images(spec) <= MAX_DECODED_IMAGES)
    if report.errors:
        raise invalid(*(_of_data(item, spec) for item in report.errors))
    return report


def _num_images(spec: DatasetSpec) -> int:
    read = datasets.get(spec.format).read
    splits = [name for name in ("train", "val", "test") if getattr(spec, name) is not None]
    return sum(len(read(spec, name).images) for name in splits)


def _of_data(item: Fault, spec: DatasetSpec) -> FieldFault:
    value = getattr(spec, item.field.rpartition(".")[2], None)
    return FieldFault(
        field=item.field,
        message=clean(item.message, 1000),
        value=value if isinstance(value, str) else None,
        examples=tuple(clean(example) for example in item.examples),
    )


def _batch(field: str, schedule: ScheduleSpec, report: DatasetReport | None) -> Iterator[FieldFault]:
    num_images = report.splits["train"].images if report is not None else None
    if num_images is not None and schedule.batch_size > num_images:
        message = f"the train split has only {num_images} images; give a batch_size of at most {num_images}"
        yield fault(field, message, schedule.batch_size)


def _weights(field: str, value: str | None, visible: bool) -> Iterator[FieldFault]:
    if value is None:
        return
    path = Path(value)
    if not path.is_absolute():
        if not is_id(value):  # whether that id is stored, the submission's own transaction finds out
            yield fault(field, "neither an absolute path nor the id of a stored checkpoint", value)
        return
    try:
        if visible:
            checkpoints.inspect(path)
    except CheckpointError as error:
        yield fault(field, str(error), value)
