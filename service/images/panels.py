"""One image as a detector sees it, drawn over the photograph: for reports, which no browser draws."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

WIDTH = 340
_COLOURS = ("#ffb02e", "#56d3f5", "#5ee0a0", "#f79ac9", "#f5e05a", "#b9a5ff", "#ff8f7a", "#c8d2e0")
_QUALITY = 75
_DASH = 6


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A box (x, y, width, height) of the image; dashed where it is an error, with words at its corner."""

    box: tuple[float, float, float, float]
    label: int
    words: str
    dashed: bool


def draw_panel(photograph: bytes, size: tuple[int, int], marks: Iterable[Mark]) -> bytes:
    """A JPEG of the photograph, `size` being the width and height that the boxes are measured in."""
    picture = Image.open(BytesIO(photograph)).convert("RGB")
    height = max(1, round(WIDTH * picture.height / picture.width))
    picture = picture.resize((WIDTH, height))
    canvas, font = ImageDraw.Draw(picture), ImageFont.load_default(11)
    scale = WIDTH / size[0], height / size[1]
    for mark in marks:
        colour = _COLOURS[mark.label % len(_COLOURS)]
        x, y, box_width, box_height = mark.box
        corners = (x * scale[0], y * scale[1], (x + box_width) * scale[0], (y + box_height) * scale[1])
        _outline(canvas, corners, colour, dashed=mark.dashed)
        _write(canvas, font, corners, colour, mark.words)
    content = BytesIO()
    picture.save(content, "JPEG", quality=_QUALITY)
    return content.getvalue()


def _outline(canvas: ImageDraw.ImageDraw, corners: Sequence[float], colour: str, *, dashed: bool) -> None:
    left, top, right, bottom = corners
    sides = (
        ((left, top), (right, top)),
        ((right, top), (right, bottom)),
        ((right, bottom), (left, bottom)),
        ((left, bottom), (left, top)),
    )
    for start, end in sides:
        for piece in _dashes(start, end) if dashed else ((start, end),):
            canvas.line(piece, fill=colour, width=2)


def _dashes(
    start: tuple[float, float], end: tuple[float, float]
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    count = max(1, int(length // _DASH))
    for number in range(0, count, 2):
        first, last = number / count, min(1.0, (number + 1) / count)
        yield (
            (start[0] + (end[0] - start[0]) * first, start[1] + (end[1] - start[1]) * first),
            (start[0] + (end[0] - start[0]) * last, start[1] + (end[1] - start[1]) * last),
        )


def _write(
    canvas: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    corners: Sequence[float],
    colour: str,
    words: str,
) -> None:
    x, y = max(0.0, corners[0]), max(0.0, corners[1] - 13)
    plate = canvas.textbbox((x + 2, y), words, font=font)
    canvas.rectangle((x, y, plate[2] + 2, y + 13), fill=colour)
    canvas.text((x + 2, y), words, fill="#10151d", font=font)
