"""Brings boxes as annotated into the form that BoxRecord promises."""

from math import isfinite

from frs_core.datasets.faults import FaultLog

Box = tuple[float, float, float, float]

_ROUNDING = 0.01
"""Pixels by which a box may leave its image unmentioned: files round x and width apart."""


def fit_box(box: Box, width: int, height: int, log: FaultLog, example: str) -> Box | None:
    """The part of (x1, y1, x2, y2) inside the image, or None where nothing is left; faults go to `log`."""
    if not all(isfinite(edge) for edge in box):
        log.add("annotation_invalid", f"{example}: {box} is not a box of finite numbers")
        return None
    x1, y1, x2, y2 = box
    if x2 <= x1 or y2 <= y1:
        log.add("box_without_area", f"{example} {box}")
        return None
    inside = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if inside[2] <= inside[0] or inside[3] <= inside[1]:
        log.add("box_outside", f"{example} {box}")
        return None
    if max(abs(a - b) for a, b in zip(box, inside, strict=True)) > _ROUNDING:
        log.add("box_clipped", f"{example} {box} in {width}x{height}")
    return inside
