"""What methods read of real detectors is what these detectors compute."""

from typing import Any

import pytest
import torch

from frs_core.methods import Signal
from frs_core.spec import DetectorSpec
from tests.unit.frs_core.training.conftest import DETECTORS

pytestmark = pytest.mark.torch
ANCHORED = [family for family in DETECTORS if family != "fcos"]
ONE_STAGE = ("retinanet", "fcos", "gfl")


def detector_of(family: str, **knobs: Any) -> Any:
    from frs_core.detectors.builders import build_detector

    return build_detector(DetectorSpec.model_validate({**DETECTORS[family], **knobs}), 3, seed=0)


def seen(detector: Any, image: dict[str, Any], *signals: Signal) -> tuple[Any, Any]:
    from frs_core.detectors.student_signals import student_losses

    prepared = detector.data_preprocessor(image, True)
    torch.manual_seed(1)  # a region proposal network samples
    return student_losses(detector, prepared["inputs"], prepared["data_samples"], signals)


def flat(losses: dict[str, Any]) -> list[torch.Tensor]:
    return [each for value in losses.values() for each in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("family", DETECTORS)
def test_watching_changes_no_loss(family: str, one_image: dict[str, Any]) -> None:
    detector = detector_of(family)
    plain, _ = seen(detector, one_image)
    watched = [Signal.ANCHORS, Signal.TARGETS]
    if family in ONE_STAGE:
        watched.append(Signal.HEAD_FEATURES)
    losses, _ = seen(detector, one_image, *watched)
    assert all(torch.equal(*pair) for pair in zip(flat(plain), flat(losses), strict=True))


@pytest.mark.parametrize("family", DETECTORS)
def test_positives_are_where_the_box_lies(family: str, one_image: dict[str, Any]) -> None:
    """The image's one box is 32 pixels wide at (24, 24) of 64."""
    _, signals = seen(detector_of(family), one_image, Signal.TARGETS)
    assert sum(level.sum() for level in signals.positives) > 0
    for level, scores in zip(signals.positives, signals.cls, strict=True):
        assert (len(level), *level.shape[-2:]) == (len(scores), *scores.shape[-2:])
        assert scores.shape[1] % level.shape[1] == 0
        stride = 64 / level.shape[-1]
        _, _, y, x = level.nonzero(as_tuple=True)
        for centre in ((x + 0.5) * stride, (y + 0.5) * stride):
            assert ((centre - 24).abs() <= 16 + stride).all()


@pytest.mark.parametrize("family", ANCHORED)
def test_anchors_lie_around_their_locations(family: str, one_image: dict[str, Any]) -> None:
    _, signals = seen(detector_of(family), one_image, Signal.ANCHORS)
    for level, scores in zip(signals.anchors, signals.cls, strict=True):
        height, width, num_anchors, _ = level.shape
        assert (height, width) == scores.shape[-2:]
        assert scores.shape[1] % num_anchors == 0
        centres = (level[..., :2] + level[..., 2:]) / 2
        stride = 64 / width
        expected = torch.arange(width) * stride
        assert ((centres[0, :, 0, 0] - expected).abs() <= stride / 2).all()


def test_points_are_no_anchors(one_image: dict[str, Any]) -> None:
    _, signals = seen(detector_of("fcos"), one_image, Signal.ANCHORS)
    assert signals.anchors == ()


@pytest.mark.parametrize("family", ONE_STAGE)
def test_a_head_entered_half_way_gives_what_it_gives_as_a_whole(
    family: str, one_image: dict[str, Any]
) -> None:
    from frs_core.detectors.towers import TeacherHead

    detector = detector_of(family, stacked_convs=3).train()
    _, signals = seen(detector, one_image, Signal.HEAD_FEATURES)
    with torch.no_grad():
        logits, boxes, *_ = detector.bbox_head(signals.neck)
        head = TeacherHead(detector.bbox_head, family)
        for num_convs in (1, 2, 3):
            features = head.features(signals.neck, num_convs)
            for own, tower in zip(features, (signals.towers.cls, signals.towers.bbox), strict=True):
                for level, caught in zip(own, tower[num_convs - 1], strict=True):
                    torch.testing.assert_close(level, caught)
            found = head.predictions(features, num_convs)
            for ours, theirs in zip(found, (logits, boxes), strict=True):
                for level, expected in zip(ours, theirs, strict=True):
                    torch.testing.assert_close(level, expected)


def test_the_teachers_distributions_are_those_of_its_head(one_image: dict[str, Any]) -> None:
    from frs_core.detectors.signals import teacher_signals

    detector = detector_of("gfl").eval()
    signals = teacher_signals(detector, "gfl", one_image["inputs"], {Signal.CLS, Signal.DISTRIBUTIONS})
    with torch.no_grad():
        logits, boxes = detector.bbox_head(signals.neck)
    assert all(torch.equal(*pair) for pair in zip(signals.cls, logits, strict=True))
    assert all(torch.equal(*pair) for pair in zip(signals.distributions, boxes, strict=True))
