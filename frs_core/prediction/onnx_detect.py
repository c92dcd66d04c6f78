"""A detector run by onnxruntime from its ONNX file, its boxes decoded by mmdet's own head.

H, W: the picture's height and width.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from frs_core.detectors.builders import build_detector
from frs_core.detectors.signals import dense_head
from frs_core.prediction.coco_document import Detection
from frs_core.prediction.detect import Detect, detections, sampler
from frs_core.spec.predict import PredictSpec
from frs_core.training.onnx_export import open_session


def open_onnx(spec: PredictSpec) -> Detect:
    """The network of `spec.onnx`, with the decoding and NMS of a head, which read no weights."""
    assert spec.onnx is not None
    session = open_session(Path(spec.onnx))
    (image,) = session.get_inputs()
    levels = _by_kind([output.name for output in session.get_outputs()])
    head = dense_head(build_detector(spec.detector, len(spec.classes), seed=0).eval())
    prepare = sampler(spec.input_size)

    @torch.no_grad()
    def detect(pixels: NDArray[np.uint8]) -> Sequence[Detection]:
        sample = prepare(pixels)
        found = session.run(None, {image.name: sample["inputs"][None].numpy()})
        tensors = [torch.from_numpy(output) for output in found]
        outputs = [[tensors[place] for place in places] for places in levels]
        (instances,) = head.predict_by_feat(
            *outputs, batch_img_metas=[sample["data_samples"].metainfo], rescale=True
        )
        return detections(instances, spec.score_threshold)

    return detect


def _by_kind(names: Sequence[str]) -> list[list[int]]:
    """The places of each kind's levels (cls, bbox, ...), in the order that mmdet's head gives them."""
    kinds: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        kinds.setdefault(name.rpartition("_")[0], []).append(place)
    return list(kinds.values())
