"""The images of a split as the network sees them, and their order: pure functions of seed, epoch and sample.

Nothing here depends on a data worker's state, so a run can start at any step and see what it would have seen.
"""

import math
import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset, Sampler

from frs_core import datasets
from frs_core.datasets.records import ImageRecord, Split
from frs_core.detectors.seeds import generator
from frs_core.detectors.wall import Compose, HorizontalBoxes, pseudo_collate
from frs_core.distributed import rank, world_size
from frs_core.spec.job import JobSpec
from frs_core.spec.schedule import Length, MultiScaleSpec

SampleKey = tuple[int, int]
"""Epoch and index of an image within its split."""


def resize_and_pack(input_size: tuple[int, int]) -> list[dict[str, Any]]:
    """The mmdet transforms between a loaded image and the network; an export's test pipeline has the same."""
    return [
        {"type": "Resize", "scale": input_size, "keep_ratio": True},
        {
            "type": "PackDetInputs",
            "meta_keys": ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
        },
    ]


class SplitImages(Dataset[dict[str, Any]]):
    """A split, indexed by (epoch, index): mmdet inputs (3, H, W) uint8 BGR and a data sample."""

    def __init__(
        self,
        split: Split,
        format_name: str,
        input_size: tuple[int, int],
        *,
        seed: int,
        flip_probability: float,
        multi_scale: MultiScaleSpec | None = None,
    ) -> None:
        self._images = split.images
        self._load = datasets.get(format_name).load_image
        self._input_size = input_size
        self._multi_scale = multi_scale
        self._seed = seed
        self._flip_probability = flip_probability

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, key: SampleKey) -> dict[str, Any]:
        epoch, index = key
        record = self._images[index]
        image = self._load(record)
        boxes = HorizontalBoxes(np.array([box.box for box in record.boxes], np.float32).reshape(-1, 4))
        if self._flipped(epoch, index):
            image = cv2.flip(image, 1)
            boxes.flip_(image.shape[:2], "horizontal")
        transform = Compose(resize_and_pack(self._size(epoch, index)))
        sample: dict[str, Any] = transform(_results(record, image, boxes))
        return sample

    def _size(self, epoch: int, index: int) -> tuple[int, int]:
        if self._multi_scale is None:
            return self._input_size
        return draw_size(self._multi_scale, generator(self._seed, "scale", epoch, index))

    def _flipped(self, epoch: int, index: int) -> bool:
        if self._flip_probability == 0:
            return False
        draw = torch.rand((), generator=generator(self._seed, "augmentation", epoch, index))
        return bool(draw < self._flip_probability)


def draw_size(scales: MultiScaleSpec, source: torch.Generator) -> tuple[int, int]:
    """One of the sizes, or one from between the two; (width, height)."""
    sizes = scales.sizes
    if scales.mode == "choice":
        return sizes[int(torch.randint(len(sizes), (), generator=source))]
    ends = zip(*sizes, strict=True)
    width, height = (int(torch.randint(low, high + 1, (), generator=source)) for low, high in ends)
    return width, height


def _results(record: ImageRecord, image: np.ndarray[Any, Any], boxes: Any) -> dict[str, Any]:
    return {
        "img": image,
        "img_id": record.id,
        "img_path": record.path,
        "img_shape": image.shape[:2],
        "ori_shape": image.shape[:2],
        "gt_bboxes": boxes,
        "gt_bboxes_labels": np.array([box.label for box in record.boxes], np.int64),
        "gt_ignore_flags": np.array([box.crowd for box in record.boxes], bool),
    }


class StepSampler(Sampler[list[SampleKey]]):
    """The images of each step, from one step to the last; each epoch is a permutation of the split.

    Process `rank` of `world_size` gets its share of each, all shares being equal: a last step that has
    too few for that is filled up with the first images of its epoch.
    """

    def __init__(
        self,
        num_images: int,
        images_per_step: int,
        *,
        seed: int,
        first_step: int,
        total_steps: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self._num_images = num_images
        self._images_per_step = images_per_step
        self._seed = seed
        self._first_step = first_step
        self._total_steps = total_steps
        self._rank = rank
        self._world_size = world_size

    def __len__(self) -> int:
        return self._total_steps - self._first_step

    def __iter__(self) -> Iterator[list[SampleKey]]:
        per_epoch = math.ceil(self._num_images / self._images_per_step)
        order: list[int] = []
        for step in range(self._first_step, self._total_steps):
            epoch, position = divmod(step, per_epoch)
            if not order or position == 0:
                order = self._order(epoch)
            start = position * self._images_per_step
            batch = order[start : start + self._images_per_step]
            yield [(epoch, index) for index in self._share(batch, order)]

    def _share(self, batch: list[int], order: list[int]) -> list[int]:
        filled = batch + order[: -len(batch) % self._world_size]
        size = len(filled) // self._world_size
        return filled[self._rank * size : (self._rank + 1) * size]

    def _order(self, epoch: int) -> list[int]:
        return torch.randperm(self._num_images, generator=generator(self._seed, "order", epoch)).tolist()


def training_loader(
    spec: JobSpec, split: Split, length: Length, *, first_step: int
) -> DataLoader[dict[str, Any]]:
    """What a job's training sees from the given step on: this process's share of every batch."""
    schedule = spec.schedule
    images = SplitImages(
        split,
        spec.dataset.format,
        spec.input_size,
        seed=spec.seed,
        flip_probability=schedule.flip_probability,
        multi_scale=schedule.multi_scale,
    )
    sampler = StepSampler(
        len(images),
        schedule.images_per_step,
        seed=spec.seed,
        first_step=first_step,
        total_steps=length.steps,
        rank=rank(),
        world_size=world_size(),
    )
    share = schedule.batch_size // world_size()
    return make_loader(images, sampler, batch_size=share, data_workers=spec.resources.data_workers)


def make_loader(
    images: SplitImages, sampler: StepSampler, *, batch_size: int, data_workers: int
) -> DataLoader[dict[str, Any]]:
    """The batches of each step, as mmdet takes them: lists of inputs and of data samples."""
    return DataLoader(
        images,
        batch_sampler=sampler,
        num_workers=data_workers,
        persistent_workers=data_workers > 0,
        collate_fn=partial(_in_batches, batch_size),
        worker_init_fn=_set_up_worker if data_workers else None,
    )


def _in_batches(batch_size: int, samples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    starts = range(0, len(samples), batch_size)
    return [pseudo_collate(samples[start : start + batch_size]) for start in starts]


def _set_up_worker(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    if dist.is_torchelastic_launched():
        # torchrun sends TERM to whole process groups; a data worker that dies would break the saving.
        os.setpgid(0, 0)
