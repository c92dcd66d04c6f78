"""The lines of a YOLO label file: `class cx cy width height` for a box, or `class x1 y1 x2 y2 x3 y3 ...`.

Values are parts of the image's width and height; of a polygon the box around it is taken.
"""

from collections.abc import Iterator, Sequence
from math import isfinite

from frs_core.datasets.boxes import fit_box
from frs_core.datasets.faults import FaultLog
from frs_core.datasets.records import BoxRecord

_ROUNDING = 1e-3
"""By so much a value may leave 0 to 1 unmentioned: files round the centre and the size apart."""
_BOX, _POLYGON = 5, 7
"""Columns of a box, and the fewest of a polygon."""


def read_boxes(
    lines: Sequence[str], name: str, size: tuple[int, int], classes: Sequence[str], log: FaultLog
) -> Iterator[BoxRecord]:
    """The boxes of the file of that name, of an image of that size (width, height); logs faulty lines."""
    seen: set[tuple[float, ...]] = set()
    for number, line in enumerate(lines, start=1):
        example = f"{name}, line {number}"
        values = _values(line, example, log) if line.strip() else None
        if values is None:
            continue
        if values in seen:
            log.add("duplicate_box", f"{example}: {line.strip()}")
            continue
        seen.add(values)
        label = int(values[0])
        if label != values[0] or not 0 <= label < len(classes):
            hint = f"0 to {len(classes) - 1}"
            log.add("unknown_class", f"{example}: class {values[0]:g}", hint=hint)
            continue
        box, area = _corners(values[1:], *size)
        fitted = fit_box(box, *size, log, example)
        if len(values) >= _POLYGON:
            log.add("polygon_as_box", example)
        if fitted is not None:
            yield BoxRecord(box=fitted, label=label, area=area or None)


def _values(line: str, example: str, log: FaultLog) -> tuple[float, ...] | None:
    """The numbers of a line; None where they are neither a box nor a polygon within the image."""
    parts = line.split()
    if len(parts) != _BOX and (len(parts) < _POLYGON or len(parts) % 2 == 0):
        log.add("label_columns", f"{example}: {len(parts)} columns")
        return None
    try:
        values = tuple(map(float, parts))
    except ValueError:
        log.add("annotation_invalid", f"{example}: {line.strip()[:80]!r} are not numbers")
        return None
    if not all(map(isfinite, values)):
        log.add("annotation_invalid", f"{example}: numbers that are not finite")
        return None
    if any(not -_ROUNDING <= value <= 1 + _ROUNDING for value in values[1:]):
        log.add("label_out_of_range", f"{example}: {line.strip()[:80]}")
        return None
    return values


def _corners(
    values: Sequence[float], width: int, height: int
) -> tuple[tuple[float, float, float, float], float | None]:
    """The box (x1, y1, x2, y2) in pixels, and the area of the polygon where it is around one."""
    if len(values) == _BOX - 1:
        cx, cy, w, h = values
        left, top, right, bottom = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
        return (left * width, top * height, right * width, bottom * height), None
    xs, ys = [x * width for x in values[::2]], [y * height for y in values[1::2]]
    turned = zip(xs, ys, [*xs[1:], xs[0]], [*ys[1:], ys[0]], strict=True)
    area = abs(sum(x1 * y2 - x2 * y1 for x1, y1, x2, y2 in turned)) / 2
    return (min(xs), min(ys), max(xs), max(ys)), area
