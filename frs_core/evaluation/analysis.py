"""The files that tell more of an evaluation than its numbers."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from frs_core.context import RunContext
from frs_core.evaluation.coco import Prediction, Scores
from frs_core.evaluation.confusion import confusion
from frs_core.evaluation.curves import curves
from frs_core.evaluation.errors import tide_errors
from frs_core.evaluation.matching import match
from frs_core.files import save_bytes, save_json


def save_analysis(
    context: RunContext,
    split_name: str,
    truth: dict[str, Any],
    predictions: Sequence[Prediction],
    scores: Scores,
) -> None:
    """Publish what was predicted, the truth, and what follows from both, each as `<what>_<split>`."""
    matches = match(truth, predictions)
    file = BytesIO()
    matches.save(file)
    # Matched and yet ignored whatever the size: on a crowd box, where COCO judges nothing.
    on_crowd = (matches.detection_matched & matches.detection_ignored)[:, 0, 0]
    ignored = set(matches.detection_index[on_crowd].tolist())
    judged = [item for index, item in enumerate(predictions) if index not in ignored]
    classes = matches.classes.tolist()
    documents = {
        "predictions": predictions,
        "ground_truth": truth,
        "curves": curves(scores, classes),
        "errors": tide_errors(truth, judged),
        "confusion": confusion(truth, judged),
    }
    for name, document in documents.items():
        save_json(context, f"{name}_{split_name}.json", document)
    save_bytes(context, f"matches_{split_name}.npz", file.getvalue(), "application/octet-stream")
