"""What a run leaves behind is used without us."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frs_core.context import LocalContext

pytestmark = pytest.mark.torch
SLOW_FAMILIES = ("fcos", "gfl", "cascade_rcnn")

LONG_ENOUGH_TO_FIND_SOMETHING = {
    "epochs": 20,
    "batch_size": 2,
    "optimizer": {"lr": 0.01},
    "warmup_steps": 0,
    "evaluate_every_epochs": 20,
    "checkpoint_every_epochs": 20,
}

STOCK = """
import json, sys
import numpy as np
from frs_core.detectors.operators import install
install()
from mmdet.apis import inference_detector, init_detector
model = init_detector(sys.argv[1], sys.argv[2], device="cpu")
found = inference_detector(model, np.load(sys.argv[3])).pred_instances
ours = [name for name in sys.modules if name.split(".")[0] in ("service", "workers", "frs_core")
        and not "frs_core.detectors.operators".startswith(name)
        and not name.startswith(("frs_core.detectors.operators.", "frs_core.errors"))]
assert ours == [], ours
print(json.dumps({"classes": model.dataset_meta["classes"], "bboxes": found.bboxes.tolist(),
                  "scores": found.scores.tolist(), "labels": found.labels.tolist()}))
"""


@pytest.mark.parametrize(
    "family",
    ["retinanet", "faster_rcnn", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_FAMILIES)],
)
def test_stock_mmdet_loads_the_export_and_finds_the_recorded_boxes(
    family: str, tmp_path: Path, tiny_job: Callable[..., Any]
) -> None:
    from frs_core import datasets
    from frs_core.datasets.check import read_split
    from frs_core.run import run

    spec = tiny_job(family=family, schedule=LONG_ENOUGH_TO_FIND_SOMETHING)
    run(spec, LocalContext(tmp_path))
    split = read_split(spec.dataset, "val")
    record = split.images[0]
    np.save(tmp_path / "image.npy", datasets.get("synthetic").load_image(record))

    files = [tmp_path / name for name in ("export_config.py", "export.pth", "image.npy")]
    done = subprocess.run(
        [sys.executable, "-c", STOCK, *map(str, files)], check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])

    recorded = [
        prediction
        for prediction in json.loads((tmp_path / "predictions_val.json").read_text())
        if prediction["image_id"] == record.id
    ]
    assert found["classes"] == list(split.classes)
    assert found["labels"] == [prediction["category_id"] - 1 for prediction in recorded]
    assert found["scores"] == pytest.approx([prediction["score"] for prediction in recorded], abs=1e-6)
    onnx = found_by_onnx(tmp_path, spec, len(split.classes), np.load(tmp_path / "image.npy"))
    assert onnx.labels.tolist() == found["labels"]
    np.testing.assert_allclose(onnx.scores.numpy(), found["scores"], atol=1e-4)
    np.testing.assert_allclose(onnx.bboxes.numpy(), found["bboxes"], atol=1e-2)
    boxes = [[x, y, x + width, y + height] for x, y, width, height in (p["bbox"] for p in recorded)]
    np.testing.assert_allclose(np.reshape(found["bboxes"], (-1, 4)), np.reshape(boxes, (-1, 4)), atol=1e-3)
    assert recorded, "the test compares nothing"


def found_by_onnx(folder: Path, spec: Any, num_classes: int, image: Any) -> Any:
    """Detections from the ONNX files, decoded by the heads of a detector that has no weights of its own."""
    import torch

    from frs_core.detectors.builders import build_detector
    from frs_core.training.onnx_export import open_session

    detector: Any = build_detector(spec.detector, num_classes, seed=99).eval()
    session = open_session(folder / "model.onnx")
    names = [port.name for port in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, {"image_bgr": image.transpose(2, 0, 1)[None]}), strict=True))
    kinds: dict[str, list[Any]] = {}
    for name, value in outputs.items():
        kinds.setdefault(name.split("_")[0], []).append(torch.from_numpy(value))
    about = {"img_shape": image.shape[:2], "ori_shape": image.shape[:2], "scale_factor": (1.0, 1.0)}
    features = kinds.pop("feature", None)
    head = detector.rpn_head if features else detector.bbox_head
    (found,) = head.predict_by_feat(*kinds.values(), batch_img_metas=[about], rescale=False)
    if not features:
        return found
    fed = {name: value for name, value in outputs.items() if name.startswith("feature")}
    fed |= {"proposals": found.bboxes.numpy(), "image_size": np.array(image.shape[:2])}
    regions = open_session(folder / "model_regions.onnx")
    fed = {port.name: fed[port.name] for port in regions.get_inputs()}
    logits, deltas, *boxes = map(torch.from_numpy, regions.run(None, fed))
    rois = torch.nn.functional.pad(boxes[0] if boxes else found.bboxes, (1, 0))
    head = detector.roi_head.bbox_head[-1] if boxes else detector.roi_head.bbox_head
    (found,) = head.predict_by_feat(
        (rois,), (logits,), (deltas,), [about], rcnn_test_cfg=detector.test_cfg.rcnn, rescale=False
    )
    return found
