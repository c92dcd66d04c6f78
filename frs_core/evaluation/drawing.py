"""Boxes over a picture, with their words, readable on any ground and in print."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_GOLDEN = 0.618034
"""Each further class is turned by this share of the colour circle, so that neighbours differ."""

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class DrawnBox:
    """A box (x1, y1, x2, y2) in pixels, the colour of its class, and words to stand at its corner."""

    box: tuple[float, float, float, float]
    label: int
    text: str = ""


def draw_boxes(pixels: NDArray[np.uint8], boxes: Sequence[DrawnBox]) -> Image.Image:
    """The picture, BGR uint8 (H, W, 3), as RGB with the boxes over it; the last is on top."""
    picture = Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
    canvas = ImageDraw.Draw(picture)
    scale = max(picture.size)
    width, font = max(1, round(scale / 400)), _font(max(9, round(scale / 55)))
    for item in boxes:
        canvas.rectangle(item.box, outline=colour_of(item.label), width=width)
    for item in boxes:  # no edge runs through words
        if item.text:
            _write(canvas, picture.size, item, font)
    return picture


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which writes European languages and more; Pillow's own font has no accented letter."""
    file = files("matplotlib") / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    with as_file(file) as path:
        return ImageFont.truetype(path, size)


def colour_of(label: int) -> Colour:
    """The colour of a class, RGB: the same in every picture.

    >>> colour_of(0) != colour_of(1)
    True
    """
    red, green, blue = colorsys.hsv_to_rgb((0.02 + label * _GOLDEN) % 1.0, 0.85, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def _write(
    canvas: ImageDraw.ImageDraw, size: tuple[int, int], item: DrawnBox, font: ImageFont.FreeTypeFont
) -> None:
    """The words on a plate of the box's colour: above it where there is room, within the picture always."""
    colour = colour_of(item.label)
    _, _, width, height = canvas.textbbox((0, 0), item.text, font=font)
    width, height = width + 4, height + 3
    x = min(max(0.0, item.box[0]), max(0.0, size[0] - width))
    above = item.box[1] - height
    y = above if above >= 0 else min(max(0.0, item.box[1]), max(0.0, size[1] - height))
    canvas.rectangle((x, y, x + width, y + height), fill=colour)
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 140
    canvas.text((x + 2, y), item.text, fill=(0, 0, 0) if bright else (255, 255, 255), font=font)
