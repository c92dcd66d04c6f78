"""The images of a split as the network sees them, and their order: pure functions of seed, epoch and sample.

Nothing here depends on a data worker's state, so a run can start at any step and see what it would have seen.
"""

import math
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from frs_core import datasets
from frs_core.datasets.records import ImageRecord, Split
from frs_core.detectors.seeds import generator
from frs_core.detectors.wall import Compose, HorizontalBoxes, pseudo_collate

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
    ) -> None:
        self._images = split.images
        self._load = datasets.get(format_name).load_image
        self._transform = Compose(resize_and_pack(input_size))
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
        sample: dict[str, Any] = self._transform(_results(record, image, boxes))
        return sample

    def _flipped(self, epoch: int, index: int) -> bool:
        if self._flip_probability == 0:
            return False
        draw = torch.rand((), generator=generator(self._seed, "augmentation", epoch, index))
        return bool(draw < self._flip_probability)


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
    """The batches from one step to the last of the training; each epoch is a permutation of the split."""

    def __init__(
        self, num_images: int, batch_size: int, *, seed: int, first_step: int, total_steps: int
    ) -> None:
        self._num_images = num_images
        self._batch_size = batch_size
        self._seed = seed
        self._first_step = first_step
        self._total_steps = total_steps

    def __len__(self) -> int:
        return self._total_steps - self._first_step

    def __iter__(self) -> Iterator[list[SampleKey]]:
        per_epoch = steps_per_epoch(self._num_images, self._batch_size)
        order: list[int] = []
        for step in range(self._first_step, self._total_steps):
            epoch, position = divmod(step, per_epoch)
            if not order or position == 0:
                order = self._order(epoch)
            start = position * self._batch_size
            yield [(epoch, index) for index in order[start : start + self._batch_size]]

    def _order(self, epoch: int) -> list[int]:
        return torch.randperm(self._num_images, generator=generator(self._seed, "order", epoch)).tolist()


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Every image is seen once an epoch; the last batch may be smaller."""
    return math.ceil(num_images / batch_size)


def make_loader(
    images: SplitImages, sampler: StepSampler, *, data_workers: int
) -> DataLoader[dict[str, Any]]:
    """Batches as mmdet takes them: lists of inputs and of data samples."""
    return DataLoader(
        images,
        batch_sampler=sampler,
        num_workers=data_workers,
        persistent_workers=data_workers > 0,
        collate_fn=pseudo_collate,
        worker_init_fn=_one_thread if data_workers else None,
    )


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
