"""Image files to pixels. EXIF rotation is ignored: boxes are drawn on the pixels as stored."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from frs_core.datasets.records import ImageRecord
from frs_core.errors import DatasetError

_FILE_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Only formats that Pillow decodes itself: it starts Ghostscript for some of the others."""

_ORIENTATION, _UPRIGHT = 0x0112, (0, 1)
_NO_KNOWN_RANGE = {"I", "F"}

_BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, OverflowError, MemoryError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow's decoders raise on broken bytes."""


class ImageUnreadableError(ValueError):
    """Bytes that are not an image, or one whose pixels cannot be had. The message is the reason."""


def load_file(record: ImageRecord) -> NDArray[np.uint8]:
    """The pixels of the record's file, BGR uint8 (H, W, 3), contiguous.

    Grey and palette images become colour, transparency is dropped, of 16 bits the upper 8 are kept.
    Raises DatasetError naming the file where it does not decode or has not the record's size.
    """
    try:
        image = decode(Path(record.path).read_bytes())
    except (OSError, ImageUnreadableError) as error:
        raise DatasetError(
            f"image {record.path} does not decode ({error}); replace it or take it out of its split",
            field="dataset",
        ) from error
    if image.shape[:2] != (record.height, record.width):
        raise DatasetError(
            f"image {record.path} is {image.shape[1]}x{image.shape[0]}, "
            f"its annotation states {record.width}x{record.height}; correct the annotation",
            field="dataset",
        )
    return image


def decode(content: bytes) -> NDArray[np.uint8]:
    """BGR uint8 (H, W, 3) of an image file's bytes. Raises ImageUnreadableError."""
    image = _open(content)
    try:
        return _to_bgr(image)
    except _BROKEN as error:
        raise ImageUnreadableError(str(error) or type(error).__name__) from error


def size_of(content: bytes | BinaryIO) -> tuple[int, int]:
    """(width, height) as the header states. Raises ImageUnreadableError."""
    return _open(content).size


def upright_size(path: Path) -> tuple[int, int, bool]:
    """(width, height) as stored, and whether no EXIF tag turns it; only the header is read.

    Raises ImageUnreadableError and OSError.
    """
    with path.open("rb") as file:
        image = _open(file)
        if image.format == "PNG" and "exif" not in image.info:
            return *image.size, True  # to look for a tag behind the pixels Pillow would decode them all
        try:
            orientation = image.getexif().get(_ORIENTATION, 1)
        except _BROKEN as error:
            raise ImageUnreadableError(str(error) or type(error).__name__) from error
    return *image.size, orientation in _UPRIGHT


def _open(content: bytes | BinaryIO) -> Image.Image:
    try:
        source = BytesIO(content) if isinstance(content, bytes) else content
        image = Image.open(source, formats=_FILE_FORMATS)
    except UnidentifiedImageError as error:
        known = ", ".join(_FILE_FORMATS)
        raise ImageUnreadableError(f"not an image, or not of a known format: {known}") from error
    except _BROKEN as error:
        raise ImageUnreadableError(str(error) or type(error).__name__) from error
    if image.mode in _NO_KNOWN_RANGE:
        raise ImageUnreadableError("32-bit pixels have no known range; save it with 8 bits")
    return image


def _to_bgr(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        # Pillow itself keeps the upper byte of 16-bit colour; grey is treated alike.
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
