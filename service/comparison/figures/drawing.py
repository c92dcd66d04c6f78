"""What the figures are drawn with: axes, series that are told apart without colour, legends. Pixels, SVG.

Colours are given as attributes, so that a stylesheet may replace them: a page does for its dark form.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr  # nosec B406  # they write XML, and read none

MINUS = "−"
WIDTH = 680
_CHARACTER = 6.6
"""About the width of a character of 12 pixels."""
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Style:
    """How a series looks: colour, dashes of its line, and the mark of its points."""

    number: int
    colour: str
    dash: str
    mark: str


_COLOURS = ("#5b6577", "#0063a8", "#b34700", "#00735a", "#a23b7a", "#7a5c00", "#5a3fb0", "#a01c2c")
_DASHES = ("5 4", "", "7 3", "2 2", "9 3 2 3", "1 2", "6 2 1 2 1 2", "12 3")
_MARKS = ("diamond", "circle", "square", "triangle", "cross", "ring", "plus", "bar")


def style(number: int) -> Style:
    """Of the series of that number: 0 is the teacher, 1 the first row of students."""
    place = number if number < len(_COLOURS) else 1 + (number - 1) % (len(_COLOURS) - 1)
    dash = (
        _DASHES[(place + number // len(_COLOURS)) % len(_DASHES)]
        if number >= len(_COLOURS)
        else _DASHES[place]
    )
    return Style(place, _COLOURS[place], dash, _MARKS[place])


@dataclass(frozen=True)
class Axis:
    """Values to pixels, with round ticks."""

    low: float
    high: float
    start: float
    end: float
    step: float

    @classmethod
    def over(
        cls, values: Iterable[float], *, start: float, end: float, num_ticks: int = 6, least: float = 0.1
    ) -> "Axis":
        """An axis that has all the values between round ends; `least` is its smallest step."""
        known = list(values) or [0.0]
        low, high = min(known), max(known)
        step = max(least, _round_step((high - low) / num_ticks))
        first, last = math.floor(low / step), math.ceil(high / step)
        return cls(first * step, max(last, first + 1) * step, start, end, step)

    def place(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """The round values."""
        return [
            self.low + self.step * number for number in range(round((self.high - self.low) / self.step) + 1)
        ]

    def text(self, value: float, sign: str = "") -> str:
        """A tick as its step needs it."""
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        if abs(value) < self.step / 1e6:
            return "0"
        return f"{value:{sign}.{digits}f}".replace("-", MINUS)


def _round_step(width: float) -> float:
    if width <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= width * 0.999)


def picture(content: str, *, height: float, title: str, width: float = WIDTH) -> str:
    """A whole drawing. Raises nothing whatever the title holds: it is escaped."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" class="figure" fill="currentColor" stroke="none" font-size="12" '
        f'font-family="system-ui, sans-serif"><title>{_escaped(title)}</title>{content}</svg>'
    )


def _escaped(words: str) -> str:
    """Words as XML holds them: what it cannot is a replacement character."""
    return escape(_NOT_XML.sub("\ufffd", words))


def text(
    x: float, y: float, words: str, *, anchor: str = "start", faint: bool = False, size: int = 12
) -> str:
    """Words at a place: `anchor` is start, middle or end."""
    opacity = ' fill-opacity="0.72"' if faint else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {place}{opacity}>{_escaped(words)}</text>"


def line(x1: float, y1: float, x2: float, y2: float, *, opacity: float = 0.14) -> str:
    """A thin straight line."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
        f'stroke-opacity="{opacity}"/>'
    )


def frame(x: Axis, y: Axis, *, x_title: str, y_title: str, x_ticks: bool = True) -> str:
    """Grid, ticks and titles of a plot. `y` runs upwards: its start is below its end."""
    parts = [line(x.start, y.place(tick), x.end, y.place(tick)) for tick in y.ticks]
    parts += [
        text(x.start - 8, y.place(tick) + 4, y.text(tick), anchor="end", faint=True, size=11)
        for tick in y.ticks
    ]
    if x_ticks:
        parts += [line(x.place(tick), y.start, x.place(tick), y.end, opacity=0.07) for tick in x.ticks]
        parts += [
            text(x.place(tick), y.start + 16, x.text(tick), anchor="middle", faint=True, size=11)
            for tick in x.ticks
        ]
    parts.append(line(x.start, y.start, x.end, y.start, opacity=0.6))
    parts.append(text((x.start + x.end) / 2, y.start + 33, x_title, anchor="middle", faint=True, size=11))
    parts.append(text(x.start - 34, y.end - 10, y_title, faint=True, size=11))
    return "".join(parts)


def series(chosen: Style, content: str) -> str:
    """A group in the colour of its series."""
    return f'<g class="series-{chosen.number}" color="{chosen.colour}" fill="currentColor">{content}</g>'


def path(points: Sequence[tuple[float, float]], *, dash: str = "", width: float = 1.8) -> str:
    """A line through the points."""
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashes = f" stroke-dasharray={quoteattr(dash)}" if dash else ""
    return f'<path d="M{steps}" fill="none" stroke="currentColor" stroke-width="{width}"{dashes}/>'


def area(points: Sequence[tuple[float, float]], *, opacity: float = 0.14) -> str:
    """What the points enclose."""
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{corners}" fill-opacity="{opacity}"/>'


def box(x: float, y: float, width: float, height: float, *, opacity: float = 1.0) -> str:
    """A filled rectangle; one of negative width extends to the left."""
    left = min(x, x + width)
    return (
        f'<rect x="{left:.1f}" y="{y:.1f}" width="{abs(width):.1f}" height="{height:.1f}" '
        f'fill-opacity="{opacity}"/>'
    )


def mark(kind: str, x: float, y: float, size: float = 4.5) -> str:
    """The mark of a series around a place."""
    stroke = 'fill="none" stroke="currentColor" stroke-width="1.8"'
    left, right, top, bottom = x - size, x + size, y - size, y + size

    def outline(steps: str, how: str) -> str:
        ends = {"x": x, "y": y, "left": left, "right": right, "top": top, "bottom": bottom}
        places = steps.format(**{name: f"{value:.1f}" for name, value in ends.items()})
        return f'<path d="{places}" {how}/>'

    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>',
        "ring": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {stroke}/>',
        "square": box(left, top, 2 * size, 2 * size),
        "diamond": outline("M{x} {top}L{right} {y}L{x} {bottom}L{left} {y}z", ""),
        "triangle": outline("M{x} {top}L{right} {bottom}L{left} {bottom}z", ""),
        "cross": outline("M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}", stroke),
        "plus": outline("M{x} {top}V{bottom}M{left} {y}H{right}", stroke),
        "bar": box(left, y - size / 2, 2 * size, size),
    }
    return shapes[kind]


def legend(
    names: Sequence[tuple[str, Style]],
    *,
    top: float,
    left: float = 44,
    width: float = WIDTH,
    lines: bool = True,
) -> tuple[str, float]:
    """What the series are called, in lines below a plot; gives the drawing and its height."""
    parts, x, y = [], left, top + 14
    for name, chosen in names:
        shown = shorten(name, 30)
        room = 40 + _CHARACTER * len(shown)
        if x > left and x + room > width:
            x, y = left, y + 20
        sample = path([(x, y - 4), (x + 24, y - 4)], dash=chosen.dash) if lines else ""
        parts.append(series(chosen, sample + mark(chosen.mark, x + 12, y - 4, 4)))
        parts.append(text(x + 30, y, shown))
        x += room
    return "".join(parts), y + 10 - top


def shorten(name: str, most: int) -> str:
    """At most so many characters.

    >>> shorten("feature-richness", 8)
    'feature…'
    """
    return name if len(name) <= most else f"{name[: most - 1]}…"
