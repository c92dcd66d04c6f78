"""The page of an experiment's images: what each detector sees in them, and which a method fixed or broke."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from service.api.dependencies import Reading, Res
from service.api.gallery import SPLITS, Gallery, open_gallery, reported_split
from service.api.image_views import SplitName
from service.api.images import Order, Row, Seed, Threshold
from service.api.problems import ProblemError
from service.comparison.images import DEFAULT_THRESHOLD, Sort
from service.dashboard.rendering import render
from service.db import queries
from service.images.photographs import HiddenError
from service.images.runs import STUDENT, Run, runs_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PAGE_SIZE = 30
SORTS: Mapping[Sort, str] = {
    "fixed": "fixed by the method, most first",
    "broken": "broken by the method, most first",
    "teacher": "teacher right, student wrong",
    "image": "as in the data set",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one is: every part of it is in the address."""

    experiment_id: str
    split: SplitName
    row: str | None
    seed: int | None
    sort: Sort
    threshold: float

    def address(self, **more: object) -> str:
        """Of this page, with what else is chosen."""
        query = {"split": self.split, "row": self.row, "seed": self.seed, "sort": self.sort, **more}
        query = {"threshold": f"{self.threshold:g}", **query}
        return f"/experiments/{self.experiment_id}/images?" + urlencode(
            {key: value for key, value in query.items() if value is not None}
        )


@dataclass(frozen=True, kw_only=True)
class Window:
    """The part of the ordered images that is listed, and the image that is shown; ids, None at the ends."""

    current: int
    start: int
    end: int
    before: int | None
    after: int | None

    @property
    def page(self) -> int:
        """Counted from 1."""
        return self.start // PAGE_SIZE + 1


@router.get("/experiments/{experiment_id}/images")
def show_images(
    request: Request,
    session: Reading,
    resources: Res,
    experiment_id: str,
    *,
    split: SplitName | None = None,
    row: Row = None,
    seed: Seed = None,
    sort: Order = None,
    threshold: Threshold = DEFAULT_THRESHOLD,
    page: Annotated[int, Query(ge=1, le=10**6)] = 1,
    image: Annotated[int | None, Query(ge=-(2**63), lt=2**63)] = None,
) -> HTMLResponse:
    """The images in the order asked for, and one of them as each detector sees it."""
    experiment = queries.get_experiment(session, experiment_id)
    here = split or reported_split(experiment)
    splits = [name for name in SPLITS if runs_of(session, experiment.id, name)]
    try:
        gallery = open_gallery(session, resources, experiment_id, split=here, row=row, seed=seed)
        shown = _shown(gallery, gallery.sort_or_default(sort), threshold, page=page, image=image)
    except ProblemError as problem:
        return render(
            request, "no_images.html", status_code=_status(problem), experiment=experiment, splits=splits,
            split=here, message=problem.detail,
        )  # fmt: skip
    return render(request, "images.html", experiment=experiment, splits=splits, **shown)


def _status(problem: ProblemError) -> int:
    """An experiment that has no images yet is no fault of the address."""
    return 200 if problem.code == "no-predictions" else problem.status


def _shown(gallery: Gallery, sort: Sort, threshold: float, *, page: int, image: int | None) -> dict[str, Any]:
    chosen = gallery.chosen()
    place = Place(
        experiment_id=gallery.experiment.id,
        split=gallery.split,
        row=chosen["row"],
        seed=chosen["seed"],
        sort=sort,
        threshold=threshold,
    )
    order = gallery.order(sort, threshold)
    ids = [int(gallery.board.image_ids[position]) for position in order]
    if image is not None:
        gallery.position(image)
    window = _window(ids, page, image)
    return {
        "place": place,
        "window": window,
        "total": len(ids),
        "items": gallery.summaries(order[window.start : window.end], threshold),
        "rows": gallery.rows(),
        "seeds": _seeds(gallery.runs),
        "sorts": {name: SORTS[name] for name in gallery.sorts()},
        "hidden": _hidden(gallery),
        "maps": gallery.richness().names,
    }


def _window(ids: Sequence[int], page: int, image: int | None) -> Window:
    """Around the image; without one the page asked for, or the last there is, and its first image."""
    last_page = max(0, len(ids) - 1) // PAGE_SIZE
    start = (ids.index(image) // PAGE_SIZE if image is not None else min(page - 1, last_page)) * PAGE_SIZE
    end = min(start + PAGE_SIZE, len(ids))
    return Window(
        current=ids[start] if image is None else image,
        start=start,
        end=end,
        before=ids[start - 1] if start else None,
        after=ids[end] if end < len(ids) else None,
    )


def _seeds(runs: Sequence[Run]) -> dict[str, list[int]]:
    """Of every student's row."""
    found: dict[str, list[int]] = {}
    for run in runs:
        if run.role == STUDENT:
            found.setdefault(run.label, []).append(run.seed)
    return found


def _hidden(gallery: Gallery) -> str:
    """Why there are no photographs; empty where they are seen."""
    try:
        gallery.album()
    except HiddenError as error:
        return str(error)
    return ""
