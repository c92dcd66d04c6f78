"""Opens the images of an experiment's split, and makes views of them; what cannot be read is a problem."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from frs_core.spec.dataset import UPLOADED, DatasetSpec
from service.api.dependencies import Resources
from service.api.image_views import (
    DetectionView,
    ImageDetail,
    ImageErrorsView,
    ImageSummary,
    PhotographView,
    RichnessView,
    RowDetections,
    RowRole,
    SplitName,
    TruthBoxView,
)
from service.api.problems import ProblemError, fault, invalid
from service.api.submitted_data import local_dataset
from service.artifacts import ArtifactMissingError
from service.comparison.images import Sort
from service.comparison.match_files import UnreadableFileError
from service.db import queries
from service.db.models import Experiment
from service.images.board import Board, DifferentImagesError
from service.images.files import Truth
from service.images.photographs import Album, HiddenError, open_album
from service.images.reader import Reader
from service.images.richness import SPLIT as SPLIT_WITH_MAPS
from service.images.richness import RichnessMaps, richness_maps
from service.images.runs import ChoiceError, Run, choose, runs_of
from service.records.write import IMPORTED

SPLITS: tuple[SplitName, ...] = get_args(SplitName)


class Gallery:
    """One split of an experiment, with the rows that were chosen to be seen."""

    def __init__(
        self,
        session: Session,
        resources: Resources,
        *,
        experiment: Experiment,
        split: SplitName,
        runs: Sequence[Run],
        board: Board,
    ) -> None:
        self.experiment, self.split, self.runs, self.board = experiment, split, runs, board
        self._session, self._resources = session, resources
        self._reader = Reader(resources.store, resources.recorded)

    def chosen(self) -> dict[str, Any]:
        """What the gallery shows, as the fields of a page say it."""
        selection = self.board.selection
        return {
            "experiment": self.experiment.id,
            "split": self.split,
            "row": selection.method and selection.method.label,
            "seed": selection.method and selection.method.seed,
            "baseline": selection.baseline and selection.baseline.label,
        }

    def sorts(self) -> tuple[Sort, ...]:
        """The orders that the rows there are allow."""
        selection = self.board.selection
        method = selection.method is not None
        pair: tuple[Sort, ...] = ("fixed", "broken") if method and selection.baseline else ()
        return (*pair, *(("teacher",) if method and selection.teacher else ()), "image")

    def sort_or_default(self, sort: Sort | None) -> Sort:
        """The order asked for. Raises ProblemError where a row that it needs is missing."""
        known = self.sorts()
        if sort is not None and sort not in known:
            message = f"needs a row without predictions on {self.split}; possible: {', '.join(known)}"
            raise invalid(fault("sort", message, sort))
        return sort or (known[0] if known[0] == "fixed" else "image")

    def order(self, sort: Sort, threshold: float) -> NDArray[np.int64]:
        """Positions of the images."""
        return self.board.ranking(sort, threshold)

    def position(self, image_id: int) -> int:
        """Of an image. Raises ProblemError for one that is not of the split."""
        found = self.board.position(image_id)
        if found is None:
            raise ProblemError(404, "not-found", f"split {self.split} has no image {image_id}")
        return found

    def album(self) -> Album:
        """The photographs. Raises HiddenError."""
        imported = queries.experiment_event(self._session, self.experiment.id, IMPORTED) is not None
        album = open_album(
            self._resources.recorded,
            self._dataset(imported=imported),
            self.split,
            visible=self._resources.settings.datasets_visible or self._is_uploaded,
            imported=imported,
        )
        album.check(self.board.matches)
        return album

    @property
    def _is_uploaded(self) -> bool:
        return str(self.experiment.spec["dataset"].get("root", "")).startswith(UPLOADED)

    def _dataset(self, *, imported: bool) -> Mapping[str, Any]:
        """As specified, with its root on this host where it was sent as an archive."""
        plain: dict[str, Any] = self.experiment.spec["dataset"]
        if imported or not self._is_uploaded:
            return plain
        try:
            return local_dataset(self._resources, DatasetSpec.model_validate(plain)).model_dump(mode="json")
        except ProblemError as problem:
            raise HiddenError(problem.detail) from problem

    def richness(self) -> RichnessMaps:
        """The maps of S of this experiment, of whatever split."""
        method = self.board.selection.method
        prefer = None if method is None else method.job_id
        return richness_maps(self._session, self._reader, self.experiment.id, prefer=prefer)

    def summaries(
        self, positions: Sequence[int] | NDArray[np.int64], threshold: float
    ) -> tuple[ImageSummary, ...]:
        """The images at those positions with the errors of each row."""
        with explained():
            truth, to_find, errors = self._truth(), self.board.boxes_to_find(), self.board.errors(threshold)
        made = []
        for position in positions:
            image_id = int(self.board.image_ids[position])
            rows = tuple(
                ImageErrorsView(
                    label=run.label,
                    role=role,
                    seed=run.seed,
                    missed=int(errors[run.job_id].missed[position]),
                    false_positives=int(errors[run.job_id].false_positives[position]),
                    errors=int(errors[run.job_id].total[position]),
                )
                for role, run in self.rows()
            )
            by_role = {row.role: row.errors for row in rows}
            known = "method" in by_role and "baseline" in by_role
            made.append(
                ImageSummary(
                    id=image_id,
                    name=None if truth is None else truth.images[image_id].file_name,
                    num_boxes=int(to_find[position]),
                    errors=rows,
                    change=by_role["method"] - by_role["baseline"] if known else None,
                )
            )
        return tuple(made)

    def detail(self, image_id: int, min_score: float) -> ImageDetail:
        """Everything of one image. Raises ProblemError for one that is not of the split."""
        position = self.position(image_id)
        with explained():
            truth = self._truth()
            image = None if truth is None else truth.images[image_id]
            width, height = (image.width, image.height) if image else self.board.extent(position)
            return ImageDetail(
                id=image_id,
                name=image and image.file_name,
                split=self.split,
                width=width,
                height=height,
                size_is_known=image is not None,
                classes=tuple(self.board.matches.classes.tolist()),
                num_boxes=int(self.board.boxes_to_find()[position]),
                photograph=self._photograph(image_id),
                truth=None if truth is None else _truth_boxes(truth, image_id),
                rows=tuple(self._row(role, run, position, truth, min_score) for role, run in self.rows()),
                richness=self._richness(image_id),
            )

    def rows(self) -> tuple[tuple[RowRole, Run], ...]:
        """Each run once with its part: where the baseline itself was chosen, it is that alone."""
        chosen = self.board.selection
        parts: dict[RowRole, Run | None] = {
            "teacher": chosen.teacher,
            "baseline": chosen.baseline,
            "method": None if chosen.method is chosen.baseline else chosen.method,
        }
        return tuple((role, run) for role, run in parts.items() if run is not None)

    def _truth(self) -> Truth | None:
        """As a run kept it; else as the data set has it, where that is seen and still the same."""
        found = self.board.truth()
        if found is not None:
            return found
        try:
            return self.album().truth
        except HiddenError:
            return None

    def _photograph(self, image_id: int) -> PhotographView:
        try:
            self.album().record(image_id)
        except HiddenError as error:
            return PhotographView(url=None, reason=str(error))
        base = f"/api/v1/experiments/{self.experiment.id}/images"
        return PhotographView(url=f"{base}/{self.split}/{image_id}/photograph", reason=None)

    def _richness(self, image_id: int) -> tuple[RichnessView, ...]:
        if self.split != SPLIT_WITH_MAPS:
            return ()
        levels = self.richness().artifacts.get(image_id, {})
        return tuple(
            RichnessView(level=level, url=f"/api/v1/artifacts/{row.id}/download")
            for level, row in levels.items()
        )

    def _row(
        self, role: RowRole, run: Run, position: int, truth: Truth | None, min_score: float
    ) -> RowDetections:
        boxes = tuple(
            DetectionView(
                **_box(found.box, found.label),
                score=found.score,
                matched=found.matched,
                ignored=found.ignored,
                truth=found.truth,
            )
            for found in self.board.found(run, position, truth, min_score)
        )
        return RowDetections(label=run.label, role=role, seed=run.seed, job_id=run.job_id, boxes=boxes)


def open_gallery(
    session: Session,
    resources: Resources,
    experiment_id: str,
    *,
    split: SplitName | None = None,
    row: str | None = None,
    seed: int | None = None,
) -> Gallery:
    """The images of the split, by default the one that is reported, with the chosen row and its company."""
    experiment = queries.get_experiment(session, experiment_id)
    split = split or reported_split(experiment)
    runs = runs_of(session, experiment.id, split)
    if not runs:
        detail = f"no job of this experiment has stored predictions of split {split}; wait for one to succeed"
        raise ProblemError(404, "no-predictions", detail)
    try:
        selection = choose(runs, row=row, seed=seed)
    except ChoiceError as error:
        raise invalid(fault(error.field, str(error), error.value)) from error
    with explained():
        board = Board(Reader(resources.store, resources.recorded), selection)
    return Gallery(session, resources, experiment=experiment, split=split, runs=runs, board=board)


def reported_split(experiment: Experiment) -> SplitName:
    """The one that comparisons report."""
    return "val" if experiment.spec["dataset"].get("test") is None else "test"


@contextmanager
def explained() -> Iterator[None]:
    """Files that are gone or hold something else become problems."""
    try:
        yield
    except ArtifactMissingError as error:
        raise ProblemError(410, "file-missing", "the file is no longer in the artifact store") from error
    except UnreadableFileError as error:
        raise ProblemError(409, "unreadable-file", str(error)) from error
    except DifferentImagesError as error:
        raise ProblemError(409, "incomparable", str(error)) from error


def _truth_boxes(truth: Truth, image_id: int) -> tuple[TruthBoxView, ...]:
    return tuple(
        TruthBoxView(
            **_box(tuple(truth.boxes[at].tolist()), int(truth.label[at])), ignored=bool(truth.crowd[at])
        )
        for at in np.flatnonzero(truth.image_id == image_id)
    )


def _box(box: tuple[float, ...], label: int) -> dict[str, Any]:
    x, y, width, height = box
    return {"x": x, "y": y, "width": width, "height": height, "class_index": label}
