"""What surrounds a method: the detectors' shapes and the batch it sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Levels:
    """What a method needs to know of the two detectors when it is built. `family` is the student's."""

    num_levels: int
    student_channels: int
    teacher_channels: int
    family: str = "retinanet"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The ground truth of one step: mmdet data samples in the scale of the input (H, W)."""

    data_samples: Sequence[Any]
    input_shape: tuple[int, int]
