"""Each backbone is built as specified, and the neck takes what it gives."""

from typing import Any, get_args

import pytest

from frs_core import zoo
from frs_core.spec import DetectorSpec
from frs_core.spec.backbone import RegNetArch

pytestmark = pytest.mark.torch

RETINANET = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "fpn_channels": 8, "stacked_convs": 1}
TWO_STAGE = {"zoo": "faster_rcnn/faster-rcnn_r50_fpn_1x_coco", "fpn_channels": 8, "roi_channels": 16}
SWIN = {"zoo": "swin/retinanet_swin-t-p4-w7_fpn_1x_coco", "fpn_channels": 8, "stacked_convs": 1}
BACKBONES = {
    "resnet": {"type": "ResNet", "depth": 18, "base_channels": 4},
    "bottlenecks": {"type": "ResNet", "depth": 50, "base_channels": 4, "style": "caffe"},
    "resnext": {"type": "ResNeXt", "depth": 50, "groups": 4, "base_width": 2, "base_channels": 8},
    "res2net": {"type": "Res2Net", "depth": 50, "scales": 2, "base_width": 3, "base_channels": 8},
    "mobilenet": {"type": "MobileNetV2", "widen_factor": 0.3},
    "regnet": {"type": "RegNet", "arch": "regnetx_400mf"},
}


def built(config: dict[str, Any], backbone: dict[str, Any]) -> Any:
    from frs_core.detectors.builders import build_detector

    return build_detector(DetectorSpec.model_validate({**config, "backbone": backbone}), 3, seed=0)


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
@pytest.mark.parametrize("config", [RETINANET, TWO_STAGE], ids=["one stage", "two stages"])
def test_a_backbone_feeds_the_neck_at_every_stride(
    config: dict[str, Any], backbone: dict[str, Any], one_image: dict[str, Any]
) -> None:
    detector = built(config, backbone)
    prepared = detector.data_preprocessor(one_image, True)

    levels = detector.extract_feat(prepared["inputs"])
    losses = detector.loss(prepared["inputs"], prepared["data_samples"])

    sizes = [-(-64 // stride) for stride in zoo.entry(config["zoo"]).strides]
    assert [tuple(level.shape) for level in levels] == [(1, 8, size, size) for size in sizes]
    assert losses
    knobs = {key: value for key, value in backbone.items() if key not in ("type", "arch")}
    assert all(getattr(detector.backbone, key) == value for key, value in knobs.items())
    assert type(detector.backbone).__name__ == backbone["type"]
    assert all(parameter.requires_grad for parameter in detector.backbone.parameters())


def test_a_backbone_gives_only_the_stages_that_the_zoos_gave(one_image: dict[str, Any]) -> None:
    detector = built(SWIN, BACKBONES["mobilenet"])
    levels = detector.extract_feat(detector.data_preprocessor(one_image, True)["inputs"])
    assert [level.shape[-1] for level in levels] == [8, 4, 2, 1, 1]


@pytest.mark.parametrize("arch", get_args(RegNetArch))
def test_the_channels_of_a_regnet_are_those_it_has(arch: str) -> None:
    import torch

    from frs_core.detectors.builders import model_config
    from frs_core.detectors.wall import MODELS

    spec = DetectorSpec.model_validate({**RETINANET, "backbone": {"type": "RegNet", "arch": arch}})
    config = model_config(spec, 3)
    with torch.device("meta"):
        backbone = MODELS.build(config.backbone)
    assert backbone.stage_widths == config.neck.in_channels


def test_the_preprocessor_may_be_the_backbones(one_image: dict[str, Any]) -> None:
    from frs_core.detectors.builders import model_config

    knobs = {**RETINANET, "backbone": BACKBONES["regnet"]}
    as_zoo = model_config(DetectorSpec.model_validate(knobs), 3).data_preprocessor
    as_weights = model_config(DetectorSpec.model_validate({**knobs, "preprocessor": "backbone"}), 3)
    assert as_zoo.bgr_to_rgb
    assert not as_weights.data_preprocessor.bgr_to_rgb
    assert list(as_weights.data_preprocessor.std) == [57.375, 57.12, 58.395]


def test_a_detector_whose_operators_are_missing_is_refused_by_name() -> None:
    from frs_core.detectors.builders import build_detector
    from frs_core.detectors.operators import OperatorSource
    from frs_core.detectors.wall import OPERATOR_SOURCE
    from frs_core.errors import OperatorMissingError

    if OPERATOR_SOURCE is OperatorSource.COMPILED:
        pytest.skip("this mmcv has its operators")
    spec = DetectorSpec.model_validate({"zoo": "dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco"})
    with pytest.raises(OperatorMissingError, match=r"dconv-c3-c5.* needs operator 'deform_conv'") as caught:
        build_detector(spec, 3, seed=0)
    assert caught.value.field == "detector"
