"""Builds detectors from mmdet's zoo by name, with the knobs of a `DetectorSpec`."""

from pathlib import Path
from typing import Any

from torch import nn

from frs_core import zoo
from frs_core.detectors.checkpoints import LoadReport, load_into, load_tensors
from frs_core.detectors.seeds import seeded
from frs_core.detectors.wall import CONFIG_ROOT, MODELS, Config
from frs_core.spec.detector import DetectorSpec

_BOTTLENECK_EXPANSION = {18: 1, 34: 1, 50: 4, 101: 4}


def model_config(spec: DetectorSpec, num_classes: int) -> Any:
    """The mmdet model config: the zoo's, with the spec's knobs, to be trained from scratch.

    The zoo freezes the stem and every batch norm because it starts from ImageNet weights; from
    scratch that would train on top of random, fixed layers, so both are released.
    """
    model = Config.fromfile(CONFIG_ROOT / f"{spec.zoo}.py").model
    model.data_preprocessor.pop("batch_augments", None)
    _apply_backbone(model, spec)
    _apply_heads(model, spec, num_classes)
    return model


def _apply_backbone(model: Any, spec: DetectorSpec) -> None:
    backbone = model.backbone
    backbone.init_cfg = None
    backbone.frozen_stages = -1
    backbone.norm_eval = False
    backbone.norm_cfg = {**backbone.get("norm_cfg", {"type": "BN"}), "requires_grad": True}
    if spec.backbone_depth is None and spec.base_channels is None:
        return
    depth = spec.backbone_depth or zoo.entry(spec.zoo).backbone_depth
    assert depth in _BOTTLENECK_EXPANSION
    base = spec.base_channels or backbone.get("base_channels", 64)
    backbone.depth = depth
    backbone.base_channels = base
    widths = [base * 2**stage * _BOTTLENECK_EXPANSION[depth] for stage in range(4)]
    model.neck.in_channels = [widths[stage] for stage in backbone.get("out_indices", range(4))]


def _apply_heads(model: Any, spec: DetectorSpec, num_classes: int) -> None:
    model.neck.out_channels = spec.resolved_fpn_channels
    dense = model.get("rpn_head") or model.bbox_head
    dense.in_channels = spec.resolved_fpn_channels
    dense.feat_channels = spec.resolved_head_channels
    if model.get("roi_head"):
        _apply_roi_head(model.roi_head, spec, num_classes)
        return
    dense.num_classes = num_classes
    if spec.stacked_convs is not None:
        dense.stacked_convs = spec.stacked_convs


def _apply_roi_head(roi_head: Any, spec: DetectorSpec, num_classes: int) -> None:
    roi_head.bbox_roi_extractor.out_channels = spec.resolved_fpn_channels
    heads = roi_head.bbox_head
    for head in heads if isinstance(heads, list) else [heads]:
        head.in_channels = spec.resolved_fpn_channels
        head.num_classes = num_classes
        if spec.roi_channels is not None:
            head.fc_out_channels = spec.roi_channels


def build_detector(spec: DetectorSpec, num_classes: int, *, seed: int) -> nn.Module:
    """A detector with random weights that depend on the seed alone."""
    with seeded(seed, "weights"):
        detector: nn.Module = MODELS.build(model_config(spec, num_classes))
        detector.init_weights()  # type: ignore[operator]
    return detector


def load_detector(spec: DetectorSpec, num_classes: int, checkpoint: Path) -> tuple[nn.Module, LoadReport]:
    """A detector with the checkpoint's weights. Raises CheckpointError unless every one of them fits."""
    detector = build_detector(spec, num_classes, seed=0)
    return detector, load_into(detector, load_tensors(checkpoint).state_dict, max_missing_share=0.0)
