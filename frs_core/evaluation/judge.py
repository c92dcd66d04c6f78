"""Scores the predictions of a split, wherever they come from, and reports the result."""

import logging
from collections.abc import Sequence

from frs_core.context import RunContext
from frs_core.datasets.records import Split
from frs_core.evaluation.analysis import save_analysis
from frs_core.evaluation.coco import EVALUATOR, Prediction, ground_truth, score

Metrics = dict[str, float | None]
"""COCO's 12 numbers by name."""

log = logging.getLogger(__name__)


def judge(
    split: Split,
    predictions: Sequence[Prediction],
    context: RunContext,
    *,
    dataset_hash: str,
    step: int,
    epoch: int,
    keep_predictions: bool,
) -> Metrics:
    """The COCO numbers on `split`, recorded as an evaluation and as metrics `<split>/ap`, ...

    With `keep_predictions` the predictions and their analysis become artifacts.
    """
    truth = ground_truth(split)
    scores = score(truth, predictions)
    log.info(
        "%s after step %d: AP %s, %d detections", split.name, step, scores.metrics["ap"], len(predictions)
    )
    context.report(
        step, {f"{split.name}/{name}": value for name, value in scores.metrics.items() if value is not None}
    )
    context.evaluation(
        split=split.name,
        step=step,
        epoch=epoch,
        evaluator=EVALUATOR,
        dataset_hash=dataset_hash,
        num_images=len(split.images),
        num_boxes=sum(len(image.boxes) for image in split.images),
        metrics=scores.metrics,
        per_class=scores.per_class,
    )
    if keep_predictions:
        save_analysis(context, split.name, truth, predictions, scores)
    return scores.metrics
