"""What is checked of a submission beyond its form, before anything is queued: data, batches, weights."""

import math
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from frs_core import datasets
from frs_core.datasets.check import check, limited
from frs_core.datasets.records import DatasetReport, Fault
from frs_core.datasets.roots import named_outside
from frs_core.methods import Signal
from frs_core.spec import DatasetSpec, ExperimentSpec, JobKind, JobSpec, ScheduleSpec, Spec
from frs_core.spec.cache import cache_size
from frs_core.weights.reference import ZOO, check_host, is_address, parse_address
from frs_core.weights.roots import refusal_of_path
from service.api import checkpoints
from service.api.problems import FieldFault, clean, fault, invalid
from service.api.submitted_data import KnownData
from service.datasets.checking import refusal_of_root
from service.db.types import is_id
from service.settings import Settings

MAX_DECODED_IMAGES = 5000
"""Larger data sets are read, but their pixels are decoded by the worker."""


def check_experiment(
    spec: ExperimentSpec, settings: Settings, known: KnownData | None = None
) -> DatasetReport | None:
    """What the data set holds, or None where this server cannot see it. Raises ProblemError (422).

    A registered one is not read again: it is as it was when it was checked, or its jobs fail.
    """
    check_text(spec)
    _refuse(_weights("teacher.checkpoint", spec.teacher.checkpoint, settings))
    _refuse(_weights("student.checkpoint", spec.student.checkpoint, settings))
    report = _dataset(spec.dataset, settings, known)
    _refuse(_batch("schedule.batch_size", spec.schedule, report))
    if spec.teacher.train is not None:
        _refuse(_batch("teacher.train.batch_size", spec.teacher_schedule, report))
    signals = frozenset[Signal]().union(*(method.requires for method in spec.methods))
    _refuse(_cache(spec, signals, report, known))
    return report


def check_text(spec: ExperimentSpec) -> None:
    """What can be judged without looking at a file. Raises ProblemError (422)."""
    _refuse(_unstorable(spec))
    _refuse(_relative(spec.dataset))


def check_job(spec: JobSpec, settings: Settings, known: KnownData | None = None) -> DatasetReport | None:
    """As `check_experiment`, for one job. It waits for no other, so its teacher must be given."""
    _refuse(_unstorable(spec))
    _refuse(_relative(spec.dataset))
    if spec.needs_teacher and spec.teacher is not None and spec.teacher.checkpoint is None:
        message = (
            "a job of its own needs its teacher's weights: give a path or a stored id, or post an experiment"
        )
        raise invalid(fault("teacher.checkpoint", message))
    teacher = None if spec.teacher is None else spec.teacher.checkpoint
    _refuse(_weights("teacher.checkpoint", teacher, settings))
    _refuse(_weights("checkpoint", spec.checkpoint, settings))
    report = _dataset(spec.dataset, settings, known)
    if spec.kind is not JobKind.EVALUATE:
        _refuse(_batch("schedule.batch_size", spec.schedule, report))
    if spec.method is not None:
        _refuse(_cache(spec, spec.method.requires, report, known))
    return report


def check_root(spec: DatasetSpec, settings: Settings) -> None:
    """Raises ProblemError (422) at `root` for a folder that data sets may not lie in."""
    _refuse(_root("root", spec, settings))


def check_weights(reference: str, settings: Settings, *, field: str = "checkpoint") -> None:
    """Raises ProblemError (422) at `field` for weights that no worker could, or may, read."""
    _refuse(_weights(field, reference, settings))


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


def _relative(spec: DatasetSpec, field: str = "dataset.root") -> Iterator[FieldFault]:
    if spec.root and spec.version is None and not PurePath(spec.root).is_absolute():
        message = "give an absolute path: the server does not know which folder this one is relative to"
        yield fault(field, message, spec.root)


def _root(field: str, spec: DatasetSpec, settings: Settings) -> Iterator[FieldFault]:
    """What is told apart from the data themselves: a folder that the server may not look into."""
    yield from _relative(spec, field)
    if settings.datasets_visible and spec.root and (reason := refusal_of_root(spec.root, settings)):
        yield fault(field, reason, spec.root)
    is_judged_here = settings.datasets_visible or not spec.root
    if not is_judged_here and named_outside(spec.root, settings.dataset_roots):
        yield fault(field, "lies outside FRS_DATASET_ROOTS; move the data set there", spec.root)


def _dataset(spec: DatasetSpec, settings: Settings, known: KnownData | None) -> DatasetReport | None:
    if known is not None and known.report is not None:
        return known.report
    _refuse(_root("dataset.root", spec, settings))
    if not settings.datasets_visible and spec.root:
        return None
    report = check(spec, decode=_num_images(spec) <= MAX_DECODED_IMAGES)
    if report.errors:
        raise invalid(*(_of_data(item, spec) for item in report.errors))
    return report


def _num_images(spec: DatasetSpec) -> int:
    read = datasets.get(spec.format).read
    splits = [name for name in ("train", "val", "test") if getattr(spec, name) is not None]
    return sum(len(limited(read(spec, name), spec.max_images).images) for name in splits)


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
    if num_images is None or schedule.images_per_step <= num_images:
        return
    message = f"the train split has only {num_images} images; give a batch_size of at most {num_images}"
    if schedule.accumulate > 1:
        message += f" divided by accumulate, which is {schedule.accumulate}"
    yield fault(field, message, schedule.batch_size)


def _cache(
    spec: ExperimentSpec | JobSpec,
    requires: frozenset[Signal],
    report: DatasetReport | None,
    known: KnownData | None,
) -> Iterator[FieldFault]:
    if spec.teacher is None or spec.teacher.cache is None or report is None:
        return
    dataset = spec.dataset if known is None else known.local()
    train = limited(datasets.get(dataset.format).read(dataset, "train"), dataset.max_images)
    size = cache_size(
        spec.teacher.cache,
        spec.teacher.detector,
        image_sizes=((image.width, image.height) for image in train.images),
        input_size=spec.input_size,
        num_classes=len(report.classes),
        flip_probability=spec.schedule.flip_probability,
        requires=requires,
    )
    excess = size.excess(spec.teacher.cache)
    if excess is not None:
        yield fault("teacher.cache.max_gib", excess, spec.teacher.cache.max_gib)


def _weights(field: str, value: str | None, settings: Settings) -> Iterator[FieldFault]:
    if value is None or value == ZOO:
        return
    try:
        if is_address(value):
            check_host(parse_address(value).host, settings.weights_hosts)
        elif not Path(value).is_absolute():
            if not is_id(value):  # whether that id is stored, the submission's own transaction finds out
                yield fault(field, _NO_REFERENCE, value)
        elif refusal := refusal_of_path(value, settings.import_roots, visible=settings.datasets_visible):
            yield fault(field, refusal, value)
        elif settings.datasets_visible:
            checkpoints.inspect(Path(value))
    except ValueError as error:
        yield fault(field, str(error), value)


_NO_REFERENCE = "neither an absolute path, the id of a stored checkpoint, an https address, nor zoo"
