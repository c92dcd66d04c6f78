"""Puts a specification's backbone into a detector's config, and tells its neck the channels that follow."""

from collections.abc import Callable, Sequence
from typing import Any

from frs_core import zoo
from frs_core.detectors.wall import make_divisible
from frs_core.spec.backbone import BackboneSpec, MobileNetV2, RegNet, Res2Net, ResNet, ResNeXt
from frs_core.spec.detector import DetectorSpec

STAGES = range(4)
_OF_BATCH_NORM = ("ResNet", "ResNeXt", "Res2Net", "RegNet", "MobileNetV2", "DetectoRS_ResNet")
_MOBILENET_LAYERS = (1, 2, 4, 6)
"""The last layer at each of the strides 4, 8, 16 and 32."""
_REGNET_WIDTHS = {
    "regnetx_400mf": (32, 64, 160, 384),
    "regnetx_800mf": (64, 128, 288, 672),
    "regnetx_1.6gf": (72, 168, 408, 912),
    "regnetx_3.2gf": (96, 192, 432, 1008),
    "regnetx_4.0gf": (80, 240, 560, 1360),
    "regnetx_6.4gf": (168, 392, 784, 1624),
    "regnetx_8.0gf": (80, 240, 720, 1920),
    "regnetx_12gf": (224, 448, 896, 2240),
}
"""Channels of each stage, which mmdet derives from the parameters of Radosavovic et al., CVPR 2020."""


def apply_backbone(model: Any, spec: DetectorSpec) -> None:
    """The backbone of `spec` in an mmdet model config: from scratch, with nothing frozen.

    The zoo freezes the stem and every batch norm because it starts from ImageNet weights; from
    scratch that would train on top of random, fixed layers, so both are released.
    """
    if spec.backbone is not None:
        _replace(model, spec.backbone)
    elif spec.backbone_depth is not None or spec.base_channels is not None:
        _resize(model, spec)
    backbone = model.backbone
    backbone.init_cfg = None
    if backbone.type in _OF_BATCH_NORM:
        backbone.frozen_stages = -1
        backbone.norm_eval = False
        backbone.norm_cfg = {**backbone.get("norm_cfg", {"type": "BN"}), "requires_grad": True}


def _replace(model: Any, backbone: BackboneSpec) -> None:
    """Another backbone at the strides of the zoo's own; its knobs are named as mmdet names them."""
    stages = tuple(model.backbone.get("out_indices", STAGES))
    layers = _MOBILENET_LAYERS if isinstance(backbone, MobileNetV2) else STAGES
    model.backbone = {**backbone.model_dump(), "out_indices": tuple(layers[stage] for stage in stages)}
    widths = _WIDTHS[backbone.type](backbone)
    model.neck.in_channels = [widths[stage] for stage in stages]


def _resize(model: Any, spec: DetectorSpec) -> None:
    """The zoo's own ResNet, with another depth or width."""
    depth = spec.backbone_depth or zoo.entry(spec.zoo).backbone_depth
    base = spec.base_channels or model.backbone.get("base_channels", 64)
    assert depth is not None
    model.backbone.depth = depth
    model.backbone.base_channels = base
    stages = model.backbone.get("out_indices", STAGES)
    model.neck.in_channels = [_residual(depth, base)[stage] for stage in stages]


def _residual(depth: int, base_channels: int) -> list[int]:
    """Channels of each stage; the bottlenecks of the deeper networks give out four times their own."""
    return [base_channels * 2**stage * (1 if depth < 50 else 4) for stage in STAGES]


def _of_residual(backbone: ResNet | ResNeXt | Res2Net) -> Sequence[int]:
    return _residual(backbone.depth, backbone.base_channels)


def _of_mobilenet(backbone: MobileNetV2) -> Sequence[int]:
    return [make_divisible(width * backbone.widen_factor, 8) for width in (24, 32, 96, 320)]


def _of_regnet(backbone: RegNet) -> Sequence[int]:
    return _REGNET_WIDTHS[backbone.arch]


_WIDTHS: dict[str, Callable[[Any], Sequence[int]]] = {
    "ResNet": _of_residual,
    "ResNeXt": _of_residual,
    "Res2Net": _of_residual,
    "MobileNetV2": _of_mobilenet,
    "RegNet": _of_regnet,
}
