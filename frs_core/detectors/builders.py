"""Builds detectors from mmdet's zoo by name, with the knobs of a `DetectorSpec`."""

from pathlib import Path
from typing import Any

from torch import nn

from frs_core.detectors.backbones import apply_backbone
from frs_core.detectors.checkpoints import LoadReport, load_into, load_tensors
from frs_core.detectors.operators import OperatorSource, missing_operator
from frs_core.detectors.seeds import seeded
from frs_core.detectors.wall import CONFIG_ROOT, MODELS, OPERATOR_SOURCE, Config
from frs_core.spec.detector import DetectorSpec


def model_config(spec: DetectorSpec, num_classes: int) -> Any:
    """The mmdet model config: the zoo's, with the spec's knobs, to be trained from scratch."""
    model = Config.fromfile(CONFIG_ROOT / f"{spec.zoo}.py").model
    model.init_cfg = None
    model.data_preprocessor.pop("batch_augments", None)
    model.data_preprocessor.update(spec.resolved_preprocessor.model_dump())
    apply_backbone(model, spec)
    _apply_heads(model, spec, num_classes)
    return model


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
    """A detector with random weights that depend on the seed alone.

    Raises OperatorMissingError where it needs mmcv's compiled extension and there is none.
    """
    if spec.operators and OPERATOR_SOURCE is OperatorSource.STAND_IN:
        raise missing_operator(spec.operators[0], spec.zoo)
    with seeded(seed, "weights"):
        # Named, because another Runner of this process may have left a scope of its own.
        detector: nn.Module = MODELS.build({**model_config(spec, num_classes), "_scope_": "mmdet"})
        detector.init_weights()  # type: ignore[operator]
    return detector


def load_detector(spec: DetectorSpec, num_classes: int, checkpoint: Path) -> tuple[nn.Module, LoadReport]:
    """A detector with the checkpoint's weights. Raises CheckpointError unless every one of them fits."""
    detector = build_detector(spec, num_classes, seed=0)
    return detector, load_into(detector, load_tensors(checkpoint).state_dict, max_missing_share=0.0)
