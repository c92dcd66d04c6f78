"""Evaluates a detector on a split and reports the result."""

from torch import nn

from frs_core.context import RunContext
from frs_core.datasets.records import Split
from frs_core.evaluation.judge import Metrics, judge
from frs_core.evaluation.predict import predict
from frs_core.spec.job import JobSpec
from frs_core.training.samples import SplitImages


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
    """The detector's COCO numbers on `split`, recorded as `judge` does."""
    images = SplitImages(split, spec.dataset.format, spec.input_size, seed=0, flip_probability=0.0)
    return judge(
        split,
        predict(detector, images),
        context,
        dataset_hash=dataset_hash,
        step=step,
        epoch=epoch,
        keep_predictions=keep_predictions,
    )
