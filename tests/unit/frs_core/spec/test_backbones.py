"""Backbones in place of the zoo's: their knobs, what is refused, and which ImageNet weights they have."""

from typing import Any

import pytest
from pydantic import ValidationError

from frs_core import zoo
from frs_core.spec import DetectorSpec
from frs_core.spec.imagenet import PUBLISHED, imagenet_weights

RETINANET = "retinanet/retinanet_r50_fpn_1x_coco"
FCOS = "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco"
DEFORMABLE = "gfl/gfl_r101-dconv-c3-c5_fpn_ms-2x_coco"
SWIN = "swin/retinanet_swin-t-p4-w7_fpn_1x_coco"


def detector(name: str = RETINANET, **knobs: Any) -> DetectorSpec:
    return DetectorSpec.model_validate({"zoo": name, **knobs})


@pytest.mark.parametrize(
    ("knobs", "field", "reason"),
    [
        ({"backbone": {"type": "VGG"}}, "backbone.type", "one of ResNet, ResNeXt"),
        ({"backbone": {"depth": 18}}, "backbone.type", "one of ResNet, ResNeXt"),
        ({"backbone": {"type": "ResNet", "depth": 19}}, "backbone.depth", "18, 34, 50 or 101"),
        ({"backbone": {"type": "ResNet", "depth": 18, "style": "caffe"}}, "backbone.style", "no bottlenecks"),
        ({"backbone": {"type": "ResNeXt", "groups": 1}}, "backbone.groups", "greater than or equal to 2"),
        ({"backbone": {"type": "Res2Net", "scales": 1}}, "backbone.scales", "greater than or equal to 2"),
        ({"backbone": {"type": "MobileNetV2", "depth": 18}}, "backbone.depth", "not permitted"),
        ({"backbone": {"type": "RegNet", "arch": "regnety_8gf"}}, "backbone.arch", "regnetx_400mf"),
        ({"backbone": {"type": "Res2Net"}, "base_channels": 8}, "base_channels", "put it there"),
        ({"preprocessor": "backbone"}, "preprocessor", "none is given"),
        ({"preprocessor": "backbone", "base_channels": 8}, "preprocessor", "no ImageNet weights"),
        ({"name": DEFORMABLE, "backbone_depth": 18}, "backbone_depth", "DCN in its bottlenecks"),
        ({"name": SWIN, "backbone_depth": 18}, "backbone_depth", "give `backbone`"),
    ],
)
def test_what_cannot_be_built_is_refused_at_its_field(knobs: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        detector(**knobs)
    [fault] = caught.value.errors()
    assert ".".join(map(str, fault["loc"])) == field
    assert reason in fault["msg"]


def test_a_backbone_takes_its_operators_with_it() -> None:
    assert detector(DEFORMABLE).operators == ("deform_conv",)
    assert detector(DEFORMABLE, backbone_depth=50).operators == ("deform_conv",)
    assert detector(DEFORMABLE, backbone={"type": "MobileNetV2"}).operators == ()


def test_images_are_prepared_as_the_zoo_says_unless_told_otherwise() -> None:
    regnet = {"backbone": {"type": "RegNet", "arch": "regnetx_400mf"}}
    assert detector(**regnet).resolved_preprocessor.bgr_to_rgb
    assert not detector(**regnet, preprocessor="backbone").resolved_preprocessor.bgr_to_rgb


@pytest.mark.parametrize(
    ("knobs", "alias"),
    [
        ({}, "torchvision://resnet50"),
        ({"backbone_depth": 34}, "torchvision://resnet34"),
        ({"name": FCOS}, "open-mmlab://detectron/resnet50_caffe"),
        ({"name": FCOS, "backbone_depth": 101}, "open-mmlab://detectron/resnet101_caffe"),
        ({"name": FCOS, "backbone_depth": 18, "preprocessor": "backbone"}, "torchvision://resnet18"),
        ({"backbone": {"type": "ResNeXt", "groups": 64}}, "open-mmlab://resnext101_64x4d"),
        ({"backbone": {"type": "MobileNetV2"}}, "open-mmlab://mmdet/mobilenet_v2"),
    ],
)
def test_imagenet_weights_are_those_that_fit_the_images(knobs: dict[str, Any], alias: str) -> None:
    found = imagenet_weights(detector(**knobs))
    assert found.alias == alias
    assert found.url.startswith("https://")
    assert found.sha256_prefix is not None
    assert f"-{found.sha256_prefix}.pth" in found.url


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"base_channels": 16}, "no ImageNet weights are published for ResNet base_channels 16"),
        ({"backbone": {"type": "Res2Net", "depth": 50}}, "published for Res2Net depth 50"),
        ({"backbone": {"type": "RegNet", "arch": "regnetx_12gf"}}, "BGR .*preprocessor: backbone"),
        ({"name": FCOS, "backbone_depth": 18}, "RGB .*preprocessor: backbone"),
        ({"name": SWIN}, "SwinTransformer .* give another `backbone`"),
    ],
)
def test_a_backbone_without_fitting_imagenet_weights_is_told_why(knobs: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        imagenet_weights(detector(**knobs))


def test_every_published_alias_has_an_address() -> None:
    assert {row.alias for row in PUBLISHED} <= set(zoo.backbone_weights())


def test_the_zoo_starts_such_backbones_from_the_same_weights_under_the_same_preprocessor() -> None:
    """One of its configs mixes up the two; it is left to itself."""
    odd = "faster_rcnn/faster-rcnn_r101-caffe_fpn_ms-3x_coco"
    rows = {row.alias: row for row in PUBLISHED}
    seen = set()
    for name in zoo.names():
        entry = zoo.entry(name)
        if entry.backbone_weights in rows and name != odd:
            row = rows[entry.backbone_weights]
            assert row.preprocessor == detector(name).resolved_preprocessor, name
            assert row.backbone.type == entry.backbone_type or entry.backbone_layers, name
            seen.add(row.backbone.type)
    assert seen == {"ResNet", "ResNeXt", "Res2Net", "RegNet"}
