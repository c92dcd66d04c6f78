"""A teacher that keeps what it yields on disk, and reads what it or another run has kept.

An entry belongs to a teacher (its weights, its specification, the software and the device) and to an image
as the teacher sees it (its pixels, flipped or not, and the size that its batch is padded to).
"""

import hashlib
import logging
import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from frs_core.context import RunContext
from frs_core.datasets.records import Split
from frs_core.detectors.signals import Signals, signals_of_inputs, teacher_inputs, with_head
from frs_core.environment import environment
from frs_core.errors import SpecError
from frs_core.methods import CACHED, Signal
from frs_core.spec.base import canonical_hash
from frs_core.spec.cache import CacheSpec, cache_size
from frs_core.spec.job import JobSpec, JobTeacher
from frs_core.training.cache_folder import Shelf, take_shelf
from frs_core.training.model import Teacher

_FORMAT = 1
"""To be raised where the arithmetic of the teacher's signals changes under the same version."""

Levels = tuple[Tensor, ...]
_DTYPES = {"fp16": torch.float16, "fp32": torch.float32}

log = logging.getLogger(__name__)


class CachedTeacher:
    """Yields what its teacher would of each image alone, from the shelf where it is there.

    An image alone, so that no result depends on what else is in its batch and was kept before.
    """

    def __init__(self, teacher: Teacher, shelf: Shelf, cache: CacheSpec, context: RunContext) -> None:
        self.detector = teacher.detector
        self._teacher = teacher
        self.requires = teacher.requires
        self._shelf = shelf
        self._dtype = _DTYPES[cache.precision]
        self._context = context
        self._writes = True
        self._names = ("neck", *sorted((teacher.requires & CACHED) - {Signal.NECK}))
        self._num_read = self._num_computed = 0

    def signals(self, images: list[Tensor]) -> Signals:
        """The signals of raw images, as `Teacher.signals`."""
        size = self._padded_size(images)
        digests = [_digest(image, size) for image in images]
        found = [self._read(digest) for digest in digests]
        missing = [index for index, entry in enumerate(found) if entry is None]
        if missing:
            inputs = teacher_inputs(self.detector, images)
            assert tuple(inputs.shape[-2:]) == size, "the teacher pads otherwise"
            for index in missing:
                found[index] = self._compute(inputs[index : index + 1], digests[index])
        self._num_read += len(images) - len(missing)
        self._num_computed += len(missing)
        return self._batched([entry for entry in found if entry is not None])

    def close(self) -> None:
        """Leave the shelf to others."""
        self._shelf.close()
        log.info("teacher cache: %d images read, %d computed", self._num_read, self._num_computed)

    def _padded_size(self, images: Sequence[Tensor]) -> tuple[int, int]:
        """(H, W) of the batch as the teacher's preprocessor pads it."""
        divisor: int = cast(Any, self.detector.data_preprocessor).pad_size_divisor
        height, width = (
            math.ceil(max(image.shape[axis] for image in images) / divisor) * divisor for axis in (1, 2)
        )
        return height, width

    def _read(self, digest: str) -> dict[str, Levels] | None:
        entry: dict[str, Levels] = {}
        for name in self._names:
            levels = self._shelf.read(f"{digest}.{name}")
            if levels is None:
                return None
            entry[name] = levels
        return entry

    def _compute(self, inputs: Tensor, digest: str) -> dict[str, Levels]:
        teacher = self._teacher
        signals = signals_of_inputs(teacher.detector, teacher.family, inputs, teacher.requires)
        entry = {name: self._rounded(getattr(signals, name)) for name in self._names}
        if self._writes:
            self._write(digest, entry)
        return entry

    def _rounded(self, levels: Levels) -> Levels:
        rounded = tuple(level.to("cpu", self._dtype) for level in levels)
        if self._dtype is torch.float16 and any(level.isinf().any() for level in rounded):
            raise SpecError(
                "the teacher's outputs are beyond what fp16 holds (65504): "
                "give teacher.cache.precision: fp32",
                field="teacher.cache.precision",
            )
        return rounded

    def _write(self, digest: str, entry: dict[str, Levels]) -> None:
        try:
            for name, levels in entry.items():
                self._shelf.write(f"{digest}.{name}", levels)
        except OSError as error:
            self._writes = False
            self._context.warn(
                "teacher_cache_failed",
                f"the teacher's outputs cannot be kept ({error}): from here on they are computed as needed",
            )

    def _batched(self, entries: Sequence[dict[str, Levels]]) -> Signals:
        """Signals in float32 on the teacher's device."""
        device = next(self.detector.parameters()).device
        found: dict[str, Any] = {
            name: tuple(
                torch.cat(levels).to(device, torch.float32)
                for levels in zip(*(entry[name] for entry in entries), strict=True)
            )
            for name in self._names
        }
        return with_head(Signals(**found), self.detector, self._teacher.family, self.requires)


def cached(teacher: Teacher, spec: JobSpec, split: Split, context: RunContext) -> CachedTeacher | Teacher:
    """The teacher with its cache, where the job asks for one and the folder can be used.

    Raises SpecError where what it may come to hold exceeds the bound.
    """
    assert spec.teacher is not None
    assert spec.method is not None
    cache = spec.teacher.cache
    if cache is None:
        return teacher
    size = cache_size(
        cache,
        spec.teacher.detector,
        image_sizes=((image.width, image.height) for image in split.images),
        input_size=spec.input_size,
        num_classes=len(split.classes),
        flip_probability=spec.schedule.flip_probability,
        requires=spec.method.requires,
    )
    excess = size.excess(cache)
    if excess is not None:
        raise SpecError(f"teacher.cache.max_gib: {excess}", field="teacher.cache.max_gib")
    try:
        shelf = take_shelf(
            context.cache_dir,
            _key(teacher.detector, spec.teacher),
            needed_bytes=size.size_bytes,
            max_bytes=cache.max_bytes,
        )
    except OSError as error:
        context.warn("teacher_cache_failed", f"the teacher's outputs cannot be kept: {error}")
        return teacher
    return CachedTeacher(teacher, shelf, cache, context)


def _key(detector: nn.Module, spec: JobTeacher) -> str:
    """Of all that the signals depend on besides the image."""
    assert spec.cache is not None
    facts = {
        "format": _FORMAT,
        "detector": spec.detector.model_dump(mode="json"),
        "precision": [spec.precision, spec.cache.precision],
        "environment": environment(),
    }
    content = hashlib.sha256(canonical_hash(facts).encode())
    for name, tensor in detector.state_dict().items():
        content.update(name.encode())
        content.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()


def _digest(image: Tensor, size: tuple[int, int]) -> str:
    content = hashlib.sha256(f"{tuple(image.shape)} {size}".encode())
    content.update(image.cpu().contiguous().numpy().data)
    return content.hexdigest()
