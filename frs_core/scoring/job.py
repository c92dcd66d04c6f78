"""The story of a `score` job: a file of predictions read, checked, and judged as our own are."""

import json
import logging
from pathlib import Path
from typing import Any

from frs_core.context import RunContext
from frs_core.datasets.check import check, describe, read_split
from frs_core.errors import DatasetError, PredictionsError
from frs_core.evaluation.judge import judge
from frs_core.scoring.entries import entries_of, images_without_entry
from frs_core.spec.score import ScoreSpec

MAX_EXAMPLES = 5
log = logging.getLogger(__name__)


def score_predictions(spec: ScoreSpec, context: RunContext) -> None:
    """Record the evaluation of the reported split. Raises DatasetError and PredictionsError."""
    report = check(spec.dataset, decode=False)
    if report.errors or report.dataset_hash is None:
        raise DatasetError(describe(report.errors), field=report.errors[0].field)
    context.progress("evaluating")
    split = read_split(spec.dataset, spec.split)
    entries = entries_of(_read(Path(spec.predictions)), split)
    bare = images_without_entry(entries, split)
    if bare:
        context.warn(
            "images_without_predictions",
            f"{spec.name}: {len(bare)} of {len(split.images)} images of {split.name} have no prediction; "
            "all their boxes count as missed",
            count=len(bare),
            details={"field": "predictions", "examples": bare[:MAX_EXAMPLES]},
        )
    judge(
        split,
        entries,
        context,
        dataset_hash=report.dataset_hash,
        step=0,
        epoch=0,
        keep_predictions=True,
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise PredictionsError(
            f"the file of predictions cannot be read ({error.strerror or error})", field="predictions"
        ) from error
    except (ValueError, RecursionError) as error:
        raise PredictionsError(
            f"the file of predictions is not JSON: {error}", field="predictions"
        ) from error
