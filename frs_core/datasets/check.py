"""Reads data sets and finds every fault in them before anything is trained."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from frs_core import datasets
from frs_core.datasets import images
from frs_core.datasets.faults import FaultLog
from frs_core.datasets.records import SPLITS, DatasetReport, Fault, ImageRecord, Split, SplitSummary
from frs_core.datasets.statistics import DatasetStatistics, statistics
from frs_core.errors import DatasetError
from frs_core.spec.dataset import DatasetSpec

_FAULTS_IN_MESSAGE = 3


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What is wrong with a data set, what it looks like, and the files of its images."""

    report: DatasetReport
    statistics: DatasetStatistics
    paths: tuple[str, ...]


def check(dataset: DatasetSpec, *, decode: bool = True) -> DatasetReport:
    """Everything wrong with the data set's splits, and a hash of its content where nothing is.

    Of a registered one it is wrong to hold anything else than was registered.

    Faults of the data are reported, never raised. Every image file is read; with `decode` its pixels
    are decoded too, which finds broken files and takes a few milliseconds an image. The hash covers
    classes, names, sizes, boxes and the bytes of the images, in order, and not where they lie.
    """
    report = _report(_splits(dataset), decode=decode)
    if dataset.version is None or report.dataset_hash in (None, dataset.version.sha256):
        return report
    log = FaultLog("dataset.registered")
    log.add("content_changed", dataset.registered or dataset.version.id)
    return report.model_copy(update={"dataset_hash": None, "errors": log.errors})


def examine(dataset: DatasetSpec, *, decode: bool = True) -> Examined:
    """As `check`, with what the data set looks like in numbers and where its images lie."""
    splits = _splits(dataset)
    paths = tuple(image.path for split in splits for image in split.images if image.path)
    return Examined(report=_report(splits, decode=decode), statistics=statistics(splits), paths=paths)


def _splits(dataset: DatasetSpec) -> list[Split]:
    return [_read(dataset, name) for name in SPLITS if getattr(dataset, name) is not None]


def _report(splits: Sequence[Split], *, decode: bool) -> DatasetReport:
    content = hashlib.sha256(_canonical(splits[0].classes))
    seen: dict[str, str] = {}
    judged = [_with_images(split, content, seen, decode=decode) for split in splits]
    errors = _merged(fault for split in judged for fault in split.errors)
    return DatasetReport(
        classes=splits[0].classes,
        splits={split.name: _summary(split) for split in judged},
        dataset_hash=None if errors else content.hexdigest(),
        errors=errors,
        warnings=_merged(fault for split in judged for fault in split.warnings),
    )


def read_split(dataset: DatasetSpec, split_name: str) -> Split:
    """The split, without decoding its images. Raises DatasetError, naming the first errors, if it has any."""
    split = _read(dataset, split_name)
    if split.errors:
        raise DatasetError(describe(split.errors), field=split.errors[0].field)
    return split


def _read(dataset: DatasetSpec, split_name: str) -> Split:
    """The split as its format reads it, with the faults that can be told of every format."""
    if not dataset.is_resolved:
        unknown = FaultLog("dataset.registered")
        unknown.add("registered_elsewhere", dataset.registered or "")
        return Split(name=split_name, classes=(), images=(), errors=unknown.errors)
    split = limited(datasets.get(dataset.format).read(dataset, split_name), dataset.max_images)
    log = FaultLog(f"dataset.{split_name}")
    if split.images:
        _look_at_ids(split, log)
        _look_at_boxes(split, log)
    elif not split.errors:
        log.add("split_empty")
    return _with_faults(split, log)


def limited(split: Split, max_images: int | None) -> Split:
    """At most so many of its images, spread evenly over those that have boxes, as far as these suffice."""
    if max_images is None or len(split.images) <= max_images:
        return split
    with_boxes = [image for image in split.images if image.boxes]
    chosen = with_boxes if len(with_boxes) >= max_images else split.images
    kept = [chosen[index * len(chosen) // max_images] for index in range(max_images)]
    return split.model_copy(update={"images": tuple(kept)})


def _look_at_ids(split: Split, log: FaultLog) -> None:
    for image_id, count in Counter(image.id for image in split.images).items():
        if count > 1:
            log.add("duplicate_id", f"image id {image_id}")
    for name, count in Counter(image.name for image in split.images).items():
        if count > 1:
            log.add("duplicate_image", name)


def _look_at_boxes(split: Split, log: FaultLog) -> None:
    for image in split.images:
        if not image.boxes:
            log.add("image_without_boxes", image.name)
    counts = _class_counts(split)
    if split.name == "train" and not sum(counts.values()):
        if not split.errors:
            log.add("split_without_boxes")
        return
    for name in split.classes:
        if not counts[name]:
            log.add("class_without_boxes", name)


def _with_images(split: Split, content: "hashlib._Hash", seen: dict[str, str], *, decode: bool) -> Split:
    """The split with the faults of its image files. Adds to `content`, and to `seen` digest -> split."""
    log = FaultLog(f"dataset.{split.name}")
    content.update(_canonical(split.name))
    for image in split.images:
        digest = _digest(image, log, decode=decode)
        content.update(_canonical((image.name, image.width, image.height, digest)))
        content.update(
            _canonical(
                [
                    (*box.box, box.label, box.crowd, *([] if box.area is None else [box.area]))
                    for box in image.boxes
                ]
            )
        )
        if digest is not None and seen.setdefault(digest, split.name) != split.name:
            log.add("image_in_two_splits", f"{image.name} (also in {seen[digest]})")
    return _with_faults(split, log)


def _digest(image: ImageRecord, log: FaultLog, *, decode: bool) -> str | None:
    """SHA-256 of the image's file, or of what a generator draws it from; None where it cannot be read."""
    if not image.path:
        return hashlib.sha256(_canonical(dict(image.source))).hexdigest()
    try:
        content = Path(image.path).read_bytes()
        size = images.decode(content).shape[1::-1] if decode else images.size_of(content)
    except (OSError, images.ImageUnreadableError) as error:
        log.add("image_unreadable", f"{image.name}: {error}")
        return None
    if size != (image.width, image.height):
        stated = f"{image.width}x{image.height}"
        log.add("image_size_differs", f"{image.name}: {size[0]}x{size[1]}, annotation {stated}")
    return hashlib.sha256(content).hexdigest()


def _with_faults(split: Split, log: FaultLog) -> Split:
    return split.model_copy(
        update={
            "errors": _merged((*split.errors, *log.errors)),
            "warnings": _merged((*split.warnings, *log.warnings)),
        }
    )


def _merged(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """At most one fault per code and field: the first found stands for the later ones."""
    kept: dict[tuple[str, str], Fault] = {}
    for fault in faults:
        kept.setdefault((fault.code, fault.field), fault)
    return tuple(kept.values())


def _class_counts(split: Split) -> Counter[str]:
    return Counter(split.classes[box.label] for image in split.images for box in image.boxes if not box.crowd)


def _summary(split: Split) -> SplitSummary:
    counts = _class_counts(split)
    per_class = {name: counts[name] for name in split.classes}
    return SplitSummary(images=len(split.images), boxes=sum(counts.values()), per_class=per_class)


def describe(errors: tuple[Fault, ...]) -> str:
    """The first errors in words, with examples."""
    parts = []
    for fault in errors[:_FAULTS_IN_MESSAGE]:
        examples = f" (such as {'; '.join(fault.examples)})" if fault.examples else ""
        parts.append(f"{fault.field}: {fault.message}{examples}")
    return ". ".join(parts)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
