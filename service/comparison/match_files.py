"""Reads match arrays from a file, which an import may have brought: it is checked, and never trusted."""

import zipfile
import zlib
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from frs_core.match_arrays import MatchArrays

MAX_UNPACKED_BYTES = 2**30
BROKEN = (KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What parsing raises of a file that holds something else."""


class UnreadableFileError(ValueError):
    """A file that does not hold what its name says. The message is a clause about it."""


def read_matches(content: bytes) -> MatchArrays:
    """The match arrays of a file's content. Raises UnreadableFileError."""
    try:
        _check_size(content)
        found = MatchArrays.load(BytesIO(content))
        _check(found)
    except (
        *BROKEN,
        EOFError,
        MemoryError,
        NotImplementedError,
        OSError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise UnreadableFileError("does not hold match arrays") from error
    return found


def _check_size(content: bytes) -> None:
    """Raises ValueError for an archive that would fill the memory."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if sum(item.file_size for item in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED_BYTES} bytes")


def _check(arrays: MatchArrays) -> None:
    """Raises ValueError unless the arrays are of one length each and point at what is there."""
    num_images, num_classes = len(arrays.image_ids), len(arrays.classes)
    detections, boxes = len(arrays.detection_image), len(arrays.truth_image)
    places = (arrays.detection_image, arrays.truth_image), (arrays.detection_class, arrays.truth_class)
    integers = (arrays.image_ids, arrays.detection_index, *places[0], *places[1])
    flags = (arrays.detection_matched, arrays.detection_ignored, arrays.truth_ignored)
    of_detections = (arrays.detection_score, arrays.detection_index, arrays.detection_class, *flags[:2])
    in_order = (
        all(each.dtype.kind == "i" and each.ndim == 1 for each in integers)
        and all(each.dtype == np.bool_ for each in flags)
        and [each.ndim for each in flags] == [3, 3, 2]
        and all(min(each.shape[1:]) >= 1 for each in flags)
        and all(len(each) == detections for each in of_detections)
        and len(arrays.truth_class) == len(arrays.truth_ignored) == boxes
        and all(_within(each, num_images) for each in places[0])
        and all(_within(each, num_classes) for each in places[1])
        and arrays.detection_score.dtype.kind == "f"
        and bool(np.isfinite(arrays.detection_score).all())
        and bool((np.diff(arrays.image_ids) > 0).all())
    )
    if not in_order:
        raise ValueError("the arrays do not fit each other")


def _within(places: NDArray[np.integer], count: int) -> bool:
    return not places.size or (int(places.min()) >= 0 and int(places.max()) < count)
