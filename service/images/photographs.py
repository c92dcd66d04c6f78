"""The images themselves, where the server sees the data set that was evaluated."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from frs_core import datasets
from frs_core.datasets.check import read_split
from frs_core.datasets.records import ImageRecord, Split
from frs_core.errors import DatasetError
from frs_core.match_arrays import MatchArrays
from frs_core.spec import canonical_hash
from frs_core.spec.dataset import DatasetSpec
from service.images.cache import SizedCache
from service.images.files import Truth, TruthImage, truth_of

LONGEST = 1280
_QUALITY = 88
_BYTES_A_RECORD = 2000
_decoding = threading.BoundedSemaphore(3)
"""A photograph of many megapixels takes much memory while it is made smaller."""


class HiddenError(LookupError):
    """The photograph cannot be shown; the message is a sentence that says why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Album:
    """The images of one split: records without boxes by id, and their boxes."""

    dataset: DatasetSpec
    records: Mapping[int, ImageRecord]
    truth: Truth

    @property
    def nbytes(self) -> int:
        """In memory, about."""
        return _BYTES_A_RECORD * len(self.records) + self.truth.nbytes

    def check(self, matches: MatchArrays) -> None:
        """Raises HiddenError where these are not the images and boxes that were evaluated."""
        if not self.truth.fits(matches):
            raise HiddenError("The data set has changed since: it is no longer what was evaluated.")

    def record(self, image_id: int) -> ImageRecord:
        """The image's record. Raises HiddenError where its file is gone or lies outside the data set."""
        record = self.records.get(image_id)
        if record is None:
            raise HiddenError("The data set has no such image any longer.")
        if not record.path:
            return record
        return record.model_copy(update={"path": str(_inside(Path(self.dataset.root), Path(record.path)))})


def _inside(root: Path, path: Path) -> Path:
    """Where the file is when all links are followed."""
    try:
        root, path = root.resolve(strict=True), path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise HiddenError("The image's file is no longer in the data set.") from error
    if not path.is_relative_to(root):
        raise HiddenError("The image's file lies outside the data set's folder: it is not shown.")
    return path


def open_album(
    cache: SizedCache, dataset: Mapping[str, Any], split: str, *, visible: bool, imported: bool
) -> Album:
    """The split as the server sees it. Raises HiddenError.

    `imported` experiments name a folder of another machine: only what is generated can be shown of them.
    """
    if not visible:
        raise HiddenError("This server does not see the workers' data sets (FRS_DATASETS_VISIBLE is false).")
    try:
        spec = DatasetSpec.model_validate(dataset)
    except ValidationError as error:
        raise HiddenError("This version does not know the data set's format or options.") from error
    if spec.root and (imported or not Path(spec.root).is_absolute()):
        raise HiddenError("The experiment was imported, and its data set stayed where it ran.")
    return cache.get(Album, f"{canonical_hash(spec)}:{split}", lambda: _read(spec, split))


def etag(album: Album, record: ImageRecord, longest: int) -> str:
    """Changes with what is shown. Raises HiddenError where the file is gone."""
    source: object = sorted(record.source.items())
    if record.path:
        try:
            status = Path(record.path).stat()
        except OSError as error:
            raise HiddenError("The image's file is no longer in the data set.") from error
        source = (record.path, status.st_mtime_ns, status.st_size)
    return sha256(repr((album.dataset.format, source, longest)).encode()).hexdigest()


def photograph(album: Album, record: ImageRecord, longest: int) -> bytes:
    """A JPEG whose longer side has at most so many pixels. Raises HiddenError where it cannot be read."""
    with _decoding:
        try:
            pixels = datasets.get(album.dataset.format).load_image(record)
        except DatasetError as error:
            raise HiddenError("The image's file cannot be read, or is not the image it was.") from error
        return _as_jpeg(pixels, longest)


def _as_jpeg(pixels: NDArray[np.uint8], longest: int) -> bytes:
    """Of BGR (H, W, 3)."""
    picture = Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
    picture.thumbnail((longest, longest))
    content = BytesIO()
    picture.save(content, "JPEG", quality=_QUALITY)
    return content.getvalue()


def _read(spec: DatasetSpec, split: str) -> Album:
    if getattr(spec, split) is None:
        raise HiddenError(f"The data set has no split {split}.")
    try:
        found = read_split(spec, split)
    except (DatasetError, OSError) as error:
        raise HiddenError("The data set cannot be read where the experiment says it is.") from error
    records = {record.id: record.model_copy(update={"boxes": ()}) for record in found.images}
    return Album(dataset=spec, records=records, truth=_truth(found))


def _truth(split: Split) -> Truth:
    """The boxes as a run's own ground truth has them."""
    images = [
        TruthImage(id=record.id, file_name=record.name, width=record.width, height=record.height)
        for record in split.images
    ]
    boxes = []
    for record in split.images:
        for box in record.boxes:
            x1, y1, x2, y2 = box.box
            boxes.append((record.id, box.label, (x1, y1, x2 - x1, y2 - y1), box.crowd))
    return truth_of(images, boxes)
