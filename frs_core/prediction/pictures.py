"""The pictures that a user wants boxes in. Torch-free: the server looks at them first."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from frs_core.datasets.images import ImageUnreadableError, decode, size_of
from frs_core.datasets.roots import escaping_entries, outside
from frs_core.errors import PictureError
from frs_core.spec.predict import MAX_PICTURES, PredictSpec

MAX_PIXELS = 50_000_000
MAX_BYTES = 4 * MAX_PIXELS
"""Of a file: so many pixels that are not compressed at all."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"})
"""Which files of a folder are taken for pictures; a file named itself may be called anything."""


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """One picture: what its user calls it, and its path."""

    name: str
    path: Path


def pictures_of(spec: PredictSpec) -> Sequence[PictureFile]:
    """What a worker is to look at, in order. Raises PictureError."""
    if spec.path is not None:
        return pictures_in(Path(spec.path))
    return [PictureFile(name=picture.name, path=Path(picture.file)) for picture in spec.pictures]


def check_place(path: str, roots: Sequence[Path]) -> None:
    """Raises PictureError unless a path lies within the roots with all that is in it, links followed.

    Whether there is anything outside of them is not told.
    """
    if outside(path, roots):
        raise PictureError(_outside(path, roots), field="path")
    try:
        links = escaping_entries(path, roots) if Path(path).is_dir() else []
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror or error})", field="path") from error
    if links:
        raise PictureError(
            f"{path} holds links that lead out of FRS_DATASET_ROOTS, such as {_plain(links[0])}: "
            "put the pictures themselves there",
            field="path",
        )


def _outside(path: str, roots: Sequence[Path]) -> str:
    allowed = ", ".join(map(str, roots))
    return f"{path} lies outside the folders for data (FRS_DATASET_ROOTS: {allowed}): move the pictures there"


def pictures_in(path: Path) -> Sequence[PictureFile]:
    """A picture, or those in a folder by name; not those in its subfolders. Raises PictureError."""
    try:
        if path.is_file():
            return [PictureFile(name=_plain(path.name), path=path)]
        if not path.is_dir():
            raise PictureError(
                f"there is nothing at {path}: give the path of a picture or of a folder", field="path"
            )
        found = sorted(
            entry for entry in path.iterdir() if entry.suffix.lower() in SUFFIXES and entry.is_file()
        )
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror or error})", field="path") from error
    if not found:
        raise PictureError(
            f"the folder {path} holds no pictures ({', '.join(sorted(SUFFIXES))})", field="path"
        )
    if len(found) > MAX_PICTURES:
        raise PictureError(
            f"the folder {path} holds {len(found)} pictures: give a folder of at most {MAX_PICTURES}",
            field="path",
        )
    return [PictureFile(name=_plain(entry.name), path=entry) for entry in found]


def _plain(name: str) -> str:
    """A file's name as text that can be stored, whatever bytes it is made of."""
    return name.encode("utf-8", "replace").decode()


def read_pictures(files: Sequence[PictureFile]) -> Iterator[tuple[PictureFile, NDArray[np.uint8]]]:
    """Each with its pixels, BGR uint8 (H, W, 3). Raises PictureError naming the one that is none."""
    for file in files:
        yield file, pixels_of(file.name, _content(file))


def _content(file: PictureFile) -> bytes:
    """The bytes of a file that is not too large: no more of it is ever in memory."""
    try:
        with file.path.open("rb") as opened:
            size_bytes = os.fstat(opened.fileno()).st_size
            content = opened.read(MAX_BYTES + 1) if size_bytes <= MAX_BYTES else b""
    except OSError as error:
        raise PictureError(
            f"{file.name} cannot be read ({error.strerror or error})", field="pictures"
        ) from error
    size_bytes = max(size_bytes, len(content))
    if size_bytes > MAX_BYTES:
        raise PictureError(
            f"{file.name} has {size_bytes:,} bytes: give a picture of at most {MAX_BYTES:,} bytes",
            field="pictures",
        )
    return content


def pixels_of(name: str, content: bytes) -> NDArray[np.uint8]:
    """The pixels of a picture's bytes, BGR uint8 (H, W, 3). Raises PictureError naming it."""
    try:
        width, height = size_of(content)
        if width * height > MAX_PIXELS:
            raise PictureError(
                f"{name} is {width}x{height}: give a picture of at most {MAX_PIXELS:,} pixels",
                field="pictures",
            )
        return decode(content)
    except ImageUnreadableError as error:
        raise PictureError(f"{name} does not decode ({error}): leave it out", field="pictures") from error
