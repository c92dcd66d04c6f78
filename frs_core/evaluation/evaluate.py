"""Evaluates a detector on a split and reports the result."""

import logging

from torch import nn

from frs_core.context import RunContext
from frs_core.datasets.records import Split
from frs_core.evaluation.analysis import save_analysis
from frs_core.evaluation.coco import EVALUATOR, ground_truth, score
from frs_core.evaluation.predict import predict
from frs_core.spec.job import JobSpec
from frs_core.training.samples import SplitImages

Metrics = dict[str, float | None]
"""COCO's 12 numbers by name."""

log = logging.getLogger(__name__)


def evaluate(
    detector: nn.Module,
    split: Split,
    spec: JobSpec,
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
    images = SplitImages(split, spec.dataset.format, spec.input_size, seed=0, flip_probability=0.0)
    predictions = predict(detector, images)
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
