"""A real detector looks at real pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from frs_core.context import LocalContext
from frs_core.events import ArtifactEvent, ProgressEvent, ResultEvent, event_adapter
from frs_core.spec import PredictSpec

pytestmark = pytest.mark.torch

DETECTOR = {
    "zoo": "retinanet/retinanet_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 8,
    "stacked_convs": 1,
}
CLASSES = ["cell", "plate"]


def events(workdir: Path) -> list[Any]:
    return [event_adapter.validate_json(line) for line in (workdir / "events.jsonl").read_text().splitlines()]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Random weights whose class scores are near one half everywhere, so that there are boxes."""
    from frs_core.detectors.builders import build_detector
    from frs_core.detectors.checkpoints import save_weights
    from frs_core.spec import DetectorSpec

    detector = build_detector(DetectorSpec.model_validate(DETECTOR), len(CLASSES), seed=3)
    tensors = detector.state_dict()
    tensors["bbox_head.retina_cls.bias"].zero_()
    path = tmp_path / "weights.safetensors"
    save_weights(tensors, path, {})
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of different sizes, one of them grey, and a file that is none."""
    made = tmp_path / "pictures"
    made.mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(256, size=(48, 80, 3), dtype=np.uint8)).save(made / "b.png")
    Image.fromarray(rng.integers(256, size=(70, 70), dtype=np.uint8)).save(made / "a.jpg")
    (made / "notes.txt").write_text("no picture")
    return made


def spec_of(folder: Path, weights: Path, **changes: Any) -> PredictSpec:
    return PredictSpec.model_validate(
        {
            "name": "look",
            "detector": DETECTOR,
            "classes": CLASSES,
            "input_size": (96, 64),
            "checkpoint": str(weights),
            "path": str(folder),
            **changes,
        }
    )


def test_every_picture_of_a_folder_gets_boxes_and_a_drawing(
    tmp_path: Path, folder: Path, weights: Path
) -> None:
    from frs_core.run import run_and_report

    work = tmp_path / "work"
    assert run_and_report(spec_of(folder, weights, score_threshold=0.4), LocalContext(work)) == 0

    found = events(work)
    assert isinstance(found[-1], ResultEvent)
    artifacts = {event.name: work / event.path for event in found if isinstance(event, ArtifactEvent)}
    assert set(artifacts) == {"predictions.json", "drawn/a.jpg", "drawn/b.jpg"}
    document = json.loads(artifacts["predictions.json"].read_text())
    sizes = [(image["file_name"], image["width"], image["height"]) for image in document["images"]]
    assert sizes == [("a.jpg", 70, 70), ("b.png", 80, 48)]
    assert [category["name"] for category in document["categories"]] == CLASSES
    assert {item["image_id"] for item in document["annotations"]} == {1, 2}
    assert all(item["score"] >= 0.4 for item in document["annotations"])
    with Image.open(artifacts["drawn/b.jpg"]) as drawn:
        assert drawn.size == (80, 48)
    steps = [(event.step, event.total_steps) for event in found if isinstance(event, ProgressEvent)]
    assert steps[-1] == (2, 2)


def test_the_boxes_are_those_of_an_evaluation(tmp_path: Path, folder: Path, weights: Path) -> None:
    from frs_core.datasets.images import decode
    from frs_core.datasets.records import ImageRecord, Split
    from frs_core.detectors.builders import load_detector
    from frs_core.evaluation.predict import predict
    from frs_core.run import run
    from frs_core.training.samples import SplitImages

    spec = spec_of(folder, weights, score_threshold=0.0)
    run(spec, LocalContext(tmp_path / "work"))
    document = json.loads((tmp_path / "work" / "predictions.json").read_text())

    height, width, _ = decode((folder / "a.jpg").read_bytes()).shape
    record = ImageRecord(id=1, name="a", path=str(folder / "a.jpg"), width=width, height=height, boxes=())
    split = Split(name="val", classes=tuple(CLASSES), images=(record,))
    detector, _ = load_detector(spec.detector, len(CLASSES), weights)
    expected = predict(detector, SplitImages(split, "coco", (96, 64), seed=0, flip_probability=0.0))
    mine = [item for item in document["annotations"] if item["image_id"] == 1]
    assert sorted((item["score"], item["bbox"]) for item in mine) == sorted(
        (item["score"], item["bbox"]) for item in expected
    )


def test_a_picture_that_does_not_decode_is_the_users_fault(
    tmp_path: Path, folder: Path, weights: Path
) -> None:
    from frs_core.run import run_and_report

    (folder / "c.jpg").write_bytes(b"not a picture")
    assert run_and_report(spec_of(folder, weights), LocalContext(tmp_path / "work")) == 1
    last = events(tmp_path / "work")[-1]
    assert (last.code, last.field, last.user_error) == ("invalid_picture", "pictures", True)
    assert "c.jpg does not decode" in last.message


def test_a_prediction_is_run_from_a_job_file_too(tmp_path: Path, folder: Path, weights: Path) -> None:
    import yaml

    from frs_core.run import main

    body = spec_of(folder, weights).model_dump(mode="json") | {"path": "pictures", "checkpoint": weights.name}
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(body))
    assert main([str(tmp_path / "job.yaml"), "--workdir", str(tmp_path / "out")]) == 0
    assert len(json.loads((tmp_path / "out" / "predictions.json").read_text())["images"]) == 2


@pytest.mark.parametrize("family", ["retinanet", "fcos", "gfl"])
def test_the_onnx_file_finds_what_pytorch_finds(tmp_path: Path, folder: Path, family: str) -> None:
    import torch

    from frs_core.detectors.builders import build_detector
    from frs_core.detectors.checkpoints import save_weights
    from frs_core.run import run
    from frs_core.spec import DetectorSpec
    from frs_core.training.onnx_export import write_onnx

    zoo = {"fcos": "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco", "gfl": "gfl/gfl_r50_fpn_1x_coco"}
    chosen = {**DETECTOR, "fpn_channels": 64, "zoo": zoo.get(family, DETECTOR["zoo"])}
    detector = build_detector(DetectorSpec.model_validate(chosen), len(CLASSES), seed=3)
    for name, tensor in detector.state_dict().items():
        if name.endswith(("retina_cls.bias", "conv_cls.bias", "gfl_cls.bias")):
            tensor.zero_()
    save_weights(detector.state_dict(), tmp_path / "weights.safetensors", {})
    image = torch.randint(256, (3, 64, 96), dtype=torch.uint8)
    write_onnx(detector, family, image, tmp_path, {})

    documents = []
    for runtime, model in (
        ("torch", {"checkpoint": str(tmp_path / "weights.safetensors")}),
        ("onnx", {"onnx": str(tmp_path / "model.onnx"), "checkpoint": None}),
    ):
        spec = spec_of(folder, tmp_path, detector=chosen, runtime=runtime, score_threshold=0.3, **model)
        run(spec, LocalContext(tmp_path / runtime))
        documents.append(json.loads((tmp_path / runtime / "predictions.json").read_text())["annotations"])
    by_torch, by_onnx = documents
    assert len(by_onnx) == len(by_torch) > 0
    for mine, theirs in zip(by_onnx, by_torch, strict=True):
        assert mine["score"] == pytest.approx(theirs["score"], abs=1e-4)
    near = [
        min(max(map(abs, np.subtract(mine["bbox"], theirs["bbox"]))) for theirs in by_torch)
        for mine in by_onnx
    ]
    assert np.mean(np.array(near) < 0.01) > 0.98  # of boxes with one score NMS may keep the other


def test_a_two_stage_detector_is_not_run_from_its_onnx_file(tmp_path: Path) -> None:
    chosen = {"zoo": "faster_rcnn/faster-rcnn_r50_fpn_1x_coco"}
    with pytest.raises(ValueError, match="faster_rcnn, whose ONNX file holds its region proposals only"):
        spec_of(tmp_path, tmp_path, detector=chosen, runtime="onnx", checkpoint=None, onnx="/model.onnx")
