"""The images of a report: those that a method mended most, and those that it broke."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from service.api.dependencies import Resources
from service.api.gallery import Gallery, open_gallery
from service.api.image_views import ImageDetail, RowDetections
from service.api.problems import ProblemError
from service.comparison import Comparison
from service.comparison.images import DEFAULT_THRESHOLD, Sort
from service.images.panels import WIDTH, Mark, draw_panel
from service.images.photographs import HiddenError, photograph
from service.reports.material.dossier import Example, Panel

EACH = 2
_TITLES: dict[Sort, str] = {"fixed": "mended", "broken": "broke"}
_METHOD = "frs"


def report_images(
    session: Session, resources: Resources, comparison: Comparison
) -> tuple[tuple[Example, ...], str]:
    """Two images of each kind by the row of FRS, else by the first method; and why there are none."""
    rows = [row for row in comparison.rows if row.source == "run" and row.label != comparison.baseline]
    row = next((row.label for row in rows if row.method == _METHOD), None)
    try:
        gallery = open_gallery(session, resources, comparison.experiment, row=row)
        gallery.album()
        if "fixed" not in gallery.sorts():
            return (), "No method and baseline of one seed have stored predictions."
        examples = [example for sort in _TITLES for example in _examples(gallery, sort)]
    except ProblemError as error:
        return (), error.detail
    except HiddenError as error:
        return (), str(error)
    reason = "" if examples else "No image has more or fewer errors with the method than without it."
    return tuple(examples), reason


def _examples(gallery: Gallery, sort: Sort) -> Iterator[Example]:
    order = gallery.order(sort, DEFAULT_THRESHOLD)[:EACH]
    for summary in gallery.summaries(order, DEFAULT_THRESHOLD):
        if summary.change is None or (summary.change < 0) != (sort == "fixed") or not summary.change:
            continue
        detail = gallery.detail(summary.id, DEFAULT_THRESHOLD)
        errors = {row.role: row for row in summary.errors}
        method, baseline = errors["method"], errors["baseline"]
        yield Example(
            title=f"{method.label} {_TITLES[sort]} {summary.name or f'image {summary.id}'}",
            caption=f"Seed {method.seed}: {baseline.errors} errors of {baseline.label}, {method.errors} of "
            f"{method.label} (missed boxes and false positives at IoU 0.5, score {DEFAULT_THRESHOLD} or "
            "more). Dashed: an error.",
            panels=tuple(_panels(gallery, detail)),
        )


def _panels(gallery: Gallery, detail: ImageDetail) -> Iterator[Panel]:
    album = gallery.album()
    try:
        picture = photograph(album, album.record(detail.id), WIDTH)
    except HiddenError:
        return
    size = (detail.width, detail.height)
    truth = [
        Mark(
            box=(box.x, box.y, box.width, box.height),
            label=box.class_index,
            words=detail.classes[box.class_index],
            dashed=False,
        )
        for box in detail.truth or ()
    ]
    yield Panel(title="ground truth", jpeg=draw_panel(picture, size, truth))
    for row in detail.rows:
        yield Panel(title=row.label, jpeg=draw_panel(picture, size, _marks(detail, row)))


def _marks(detail: ImageDetail, row: RowDetections) -> Iterator[Mark]:
    """False positives, then what was missed, then what was found: the last is on top."""
    found = {box.truth for box in row.boxes if box.matched and box.truth is not None}
    for box in sorted(row.boxes, key=lambda box: (box.matched, box.score)):
        if not box.ignored:
            yield Mark(
                box=(box.x, box.y, box.width, box.height),
                label=box.class_index,
                words=f"{detail.classes[box.class_index]} {box.score:.2f}",
                dashed=not box.matched,
            )
    for number, truth in enumerate(detail.truth or ()):
        if number not in found and not truth.ignored:
            words = f"missed {detail.classes[truth.class_index]}"
            place = (truth.x, truth.y, truth.width, truth.height)
            yield Mark(box=place, label=truth.class_index, words=words, dashed=True)
