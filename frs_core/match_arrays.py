"""Which detection of an image found what: all that AP is computed from, without the images.

Torch-free: a run writes the file, the service reads it with the same class. Shapes: I images, K classes,
N detections, M annotated boxes, A areas, T IoU thresholds.
"""

from dataclasses import dataclass, fields
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

AREAS: dict[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""COCO's ranges of a box's area in square pixels, both ends included."""

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10, dtype=np.float64)
MAX_DETECTIONS = (1, 10, 100)
"""COCO counts so many detections of a class in an image, best first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MatchArrays:
    """COCO's matches of one split; images and classes are positions in `image_ids` and `classes`.

    Detections are in order of class, image and falling score, the best 100 of each class and image, and
    `detection_rank` counts from 0 among these; `detection_index` is the position in the predictions' file.
    A detection is `ignored` where it counts neither for nor against the detector, as is a box.
    """

    image_ids: NDArray[np.int64]  # (I,), rising
    classes: NDArray[np.str_]  # (K,)
    detection_image: NDArray[np.int32]  # (N,)
    detection_class: NDArray[np.int32]  # (N,)
    detection_score: NDArray[np.float64]  # (N,)
    detection_rank: NDArray[np.uint8]  # (N,)
    detection_index: NDArray[np.int64]  # (N,)
    detection_matched: NDArray[np.bool_]  # (N, A, T)
    detection_ignored: NDArray[np.bool_]  # (N, A, T)
    truth_image: NDArray[np.int32]  # (M,)
    truth_class: NDArray[np.int32]  # (M,)
    truth_ignored: NDArray[np.bool_]  # (M, A)

    def save(self, file: BinaryIO) -> None:
        """Write the arrays as a compressed npz without pickles."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, file: BinaryIO) -> "MatchArrays":
        """Read what `save` wrote. Raises ValueError for a file that holds something else."""
        with np.load(file, allow_pickle=False) as arrays:
            missing = [field.name for field in fields(cls) if field.name not in arrays]
            if missing:
                raise ValueError(f"not a file of match arrays: it lacks {', '.join(missing)}")
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})
