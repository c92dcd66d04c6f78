from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from frs_core.datasets.images import load_file
from frs_core.datasets.records import ImageRecord
from frs_core.errors import DatasetError

RED, GREEN = (200, 10, 20), (5, 180, 60)


def _record(path: Path, width: int = 2, height: int = 1) -> ImageRecord:
    return ImageRecord(id=1, name=path.name, path=str(path), width=width, height=height, boxes=())


def _two_pixels() -> Image.Image:
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), GREEN)
    return image


def _save(image: Image.Image, path: Path) -> ImageRecord:
    image.save(path)
    return _record(path, *image.size)


def test_gives_contiguous_bgr(tmp_path: Path) -> None:
    pixels = load_file(_save(_two_pixels(), tmp_path / "image.png"))

    assert pixels.tolist() == [[[20, 10, 200], [60, 180, 5]]]
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "ppm"])
def test_reads_files_of_many_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"image.{suffix}"
    _two_pixels().save(path, **({"lossless": True} if suffix == "webp" else {}))

    assert load_file(_record(path)).tolist() == [[[20, 10, 200], [60, 180, 5]]]


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_palette_and_transparency_become_colour(tmp_path: Path, mode: str) -> None:
    image = _two_pixels().convert(mode, palette=Image.Palette.ADAPTIVE)
    if mode == "RGBA":
        image.putalpha(3)

    assert load_file(_save(image, tmp_path / "image.png")).tolist() == [[[20, 10, 200], [60, 180, 5]]]


def test_a_transparent_palette_keeps_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    _two_pixels().convert("P", palette=Image.Palette.ADAPTIVE).save(path, transparency=bytes([0, 128, 255]))

    assert load_file(_record(path)).tolist() == [[[20, 10, 200], [60, 180, 5]]]


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_becomes_three_equal_channels(tmp_path: Path, mode: str) -> None:
    image = Image.new("L", (2, 1), 255).convert(mode)

    assert load_file(_save(image, tmp_path / "image.png")).tolist() == [[[255] * 3, [255] * 3]]


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0x1234, 0xFFFF]], np.uint16))

    assert load_file(_save(image, tmp_path / "image.png")).tolist() == [[[0x12] * 3, [0xFF] * 3]]


def test_rotation_in_exif_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    _two_pixels().save(path, exif=exif)

    assert load_file(_record(path)).shape == (1, 2, 3)


def test_pixels_without_a_range_are_refused(tmp_path: Path) -> None:
    record = _save(Image.fromarray(np.ones((1, 2), np.float32)), tmp_path / "depth.tiff")

    with pytest.raises(DatasetError, match=r"depth\.tiff.*8 bits"):
        load_file(record)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    Image.effect_noise((64, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[:-500])

    with pytest.raises(DatasetError, match=r"broken\.jpg does not decode \(.*truncated"):
        load_file(_record(path, 64, 64))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.png"):
        load_file(_record(tmp_path / "gone.png"))


def test_another_size_than_recorded_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    _two_pixels().save(path)

    with pytest.raises(DatasetError, match=r"is 2x1, its annotation states 1x2"):
        load_file(_record(path, 1, 2))
