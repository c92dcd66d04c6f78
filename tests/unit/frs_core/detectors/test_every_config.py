"""Every config of the index that needs no compiled operator, each distinct one once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from frs_core import zoo
from frs_core.spec import DetectorSpec

pytestmark = [pytest.mark.torch, pytest.mark.slow]


def narrowed(name: str) -> DetectorSpec:
    """As small as the config's knobs make it, without changing what it is made of."""
    entry = zoo.entry(name)
    knobs: dict[str, Any] = {"zoo": name, "fpn_channels": 64}
    if entry.backbone_type == "ResNet":
        knobs |= {"base_channels": 8, "backbone_depth": 50 if entry.backbone_layers else 18}
    return DetectorSpec.model_validate(
        knobs | ({"roi_channels": 16} if entry.family.endswith("rcnn") else {})
    )


def distinct() -> Iterator[Any]:
    from frs_core.detectors.builders import model_config

    seen = set()
    for name in zoo.names():
        spec = narrowed(name)
        text = json.dumps(model_config(spec, 3).to_dict(), sort_keys=True, default=str)
        if not spec.operators and text not in seen:
            seen.add(text)
            yield spec


def test_each_distinct_config_trains_and_detects(one_image: dict[str, Any]) -> None:
    import torch

    from frs_core.detectors.builders import build_detector
    from frs_core.detectors.signals import teacher_signals
    from frs_core.detectors.student_signals import student_losses
    from frs_core.methods import Signal

    count = 0
    for spec in distinct():
        detector = build_detector(spec, 3, seed=0)
        prepared = detector.data_preprocessor(one_image, True)
        losses, ours = student_losses(detector, prepared["inputs"], prepared["data_samples"])
        theirs = teacher_signals(detector.eval(), spec.family, one_image["inputs"], {Signal.NECK, Signal.CLS})
        entry = zoo.entry(spec.zoo)
        assert losses, spec.zoo
        for level, stride in enumerate(entry.strides):
            size = -(-64 // stride)
            for signals in (ours, theirs):
                assert signals.neck[level].shape == (1, 64, size, size), spec.zoo
                scores = signals.cls[level].shape[1]
                per_class = 1 if spec.is_two_stage else 3
                assert scores == entry.scores_per_location * per_class, spec.zoo
        with torch.no_grad():
            assert detector.test_step(one_image)[0].pred_instances.scores.ndim == 1, spec.zoo
        count += 1
    assert count > 30
