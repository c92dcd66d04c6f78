"""The pages of data sets: which there are, how to add one, and what is in a version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AfterValidator

from frs_core import datasets as formats
from frs_core.datasets.statistics import DatasetStatistics, side_bins
from service.api import dataset_images, datasets
from service.api.dataset_images import SplitName
from service.api.dataset_views import DatasetImages, DatasetVersionView, DatasetView
from service.api.datasets import Reference
from service.api.dependencies import Reading, Res, no_null
from service.api.problems import ProblemError
from service.dashboard.rendering import render
from service.db import datasets as registry
from service.db.types import utc_now

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
NUM_SAMPLES = 12
MAX_CLASSES = 100
"""So many classes have a bar; a table of thousands helps nobody."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One count with its share of the largest of its kind, 0 to 100."""

    label: str
    count: int
    share: float


@router.get("/datasets")
def show_datasets(request: Request, session: Reading, archived: bool = False) -> HTMLResponse:
    """All data sets, and the forms that add one."""
    return render(
        request,
        "datasets.html",
        items=datasets.list_datasets(session, archived).items,
        archived=archived,
        formats=[name for name in formats.names() if name != "synthetic"],
        now=utc_now(),
    )


@router.get("/datasets/{dataset_id}")
def show_dataset(
    request: Request,
    session: Reading,
    resources: Res,
    dataset_id: Reference,
    *,
    version: Annotated[str | None, Query(max_length=32), AfterValidator(no_null)] = None,
    split: SplitName = "train",
) -> HTMLResponse:
    """One version of a data set: numbers, faults and pictures."""
    view = datasets.dataset_view(session, registry.get_dataset(session, dataset_id))
    chosen = _chosen(view, version)
    samples, hidden = _samples(session, resources, view, chosen, split)
    return render(
        request,
        "dataset.html",
        dataset=view,
        version=chosen,
        split=samples.split if samples else split,
        classes=_class_bars(chosen),
        sides=_side_bars(chosen.statistics if chosen else None),
        samples=samples,
        hidden=hidden,
        now=utc_now(),
    )


def _chosen(view: DatasetView, version: str | None) -> DatasetVersionView | None:
    """The version asked for, else the newest that is ready, else the newest of all."""
    if version is None:
        return view.newest or next(iter(view.versions), None)
    for each in view.versions:
        if version in (each.id, str(each.number)):
            return each
    raise ProblemError(404, "not-found", f"{view.name} has no version {version[:32]!r}")


def _samples(
    session: Reading,
    resources: Res,
    view: DatasetView,
    version: DatasetVersionView | None,
    split: SplitName,
) -> tuple[DatasetImages | None, str]:
    """Pictures, or why there are none."""
    if version is None or version.number is None:
        return None, ""
    try:
        found = dataset_images.list_dataset_images(
            session, resources, view.id, version.id, split=split, limit=NUM_SAMPLES
        )
    except ProblemError as problem:
        return None, problem.detail
    return found, ""


def _class_bars(version: DatasetVersionView | None) -> Mapping[str, Mapping[str, Bar]]:
    """Class -> split -> boxes; the share is of the split's most frequent class."""
    if version is None or version.statistics is None:
        return {}
    splits = version.statistics.splits
    found: dict[str, dict[str, Bar]] = {}
    for name in version.classes[:MAX_CLASSES]:
        found[name] = {
            split: _bar(name, numbers.per_class.get(name, 0), numbers.per_class.values())
            for split, numbers in splits.items()
        }
    return found


def _side_bars(statistics: DatasetStatistics | None) -> Mapping[str, Sequence[Bar]]:
    """Split -> boxes by the root of their area, in pixels."""
    if statistics is None:
        return {}
    labels = [f"{low:g}" if high else f"{low:g}+" for low, high in side_bins()]
    return {
        split: [_bar(label, count, found.sides) for label, count in zip(labels, found.sides, strict=True)]
        for split, found in statistics.splits.items()
    }


def _bar(label: str, count: int, counts: Iterable[int]) -> Bar:
    largest = max(counts, default=0)
    return Bar(label=label, count=count, share=100 * count / largest if largest else 0.0)
