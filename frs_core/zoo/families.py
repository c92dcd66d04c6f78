"""Which family a config of mmdet's zoo belongs to, or what it lacks to belong to one."""

from collections.abc import Mapping
from typing import Any

FAMILIES = {
    "RetinaNet": ("retinanet", "RetinaHead", None),
    "FCOS": ("fcos", "FCOSHead", None),
    "GFL": ("gfl", "GFLHead", None),
    "FasterRCNN": ("faster_rcnn", "RPNHead", "StandardRoIHead"),
    "CascadeRCNN": ("cascade_rcnn", "RPNHead", "CascadeRoIHead"),
}
"""The family that a detector type makes with this dense head and RoI head. Another is one more line."""

_PLAIN_BOX_HEAD = "Shared2FCBBoxHead"


def lack(config: Mapping[str, Any]) -> str | None:
    """Why the config is of no family, as a clause about it; None where `FAMILIES` has it.

    A family takes complete, box-only detectors with one FPN, a plain classifier and plain RoI pooling.
    """
    model = config["model"]
    if model.get("mask_head") or (model.get("roi_head") or {}).get("mask_head"):
        return "it has a mask head, and only detectors of boxes are trained here"
    if model.get("type") not in FAMILIES:
        known = ", ".join(family for family, *_ in FAMILIES.values())
        return f"it is a detector of type {model.get('type')}, of none of the families {known}"
    if config.get("custom_imports"):
        return f"it needs the package {config['custom_imports']['imports'][0].split('.')[0]}"
    return _lack_of_neck(model) or _lack_of_heads(model)


def dense_head(model: Mapping[str, Any]) -> Any | None:
    """The head on every location: the detector's own, or the region proposal network's."""
    head = model.get("rpn_head") or model.get("bbox_head")
    return head if isinstance(head, dict) else None


def strides(head: Mapping[str, Any]) -> list[int]:
    """Those of the levels that a dense head works on, as its config states them."""
    found = head.get("strides") or head.get("anchor_generator", {}).get("strides") or ()
    return [int(stride) for stride in found]


def _lack_of_neck(model: Mapping[str, Any]) -> str | None:
    neck = model.get("neck")
    if neck is None:
        kind = "C4" if (model.get("roi_head") or {}).get("shared_head") else "DC5"
        return f"it has no FPN: a {kind} detector works on one level"
    kinds = [part["type"] for part in (neck if isinstance(neck, list | tuple) else [neck])]
    return None if kinds == ["FPN"] else f"its neck is {' and '.join(kinds)}, not FPN alone"


def _lack_of_heads(model: Mapping[str, Any]) -> str | None:
    _, dense_type, roi_type = FAMILIES[model["type"]]
    head, roi_head = dense_head(model), model.get("roi_head") or {}
    if head is None or head.get("type") != dense_type:
        return f"its head is {head and head.get('type')}, where the family has {dense_type}"
    if roi_head.get("type") != roi_type:
        return f"its RoI head is {roi_head.get('type')}, where the family has {roi_type}"
    if head.get("cls_predictor_cfg"):
        return f"its classifier is {head['cls_predictor_cfg']['type']}, not a plain convolution"
    if not strides(head):
        return "its head does not state the strides of its levels"
    return _lack_of_roi_head(roi_head) if roi_head else None


def _lack_of_roi_head(roi_head: Mapping[str, Any]) -> str | None:
    """It is to pool with RoIAlign from one level and to classify with two shared layers and softmax."""
    extractor, heads = roi_head["bbox_roi_extractor"], roi_head["bbox_head"]
    if extractor["type"] != "SingleRoIExtractor":
        return f"it pools regions with {extractor['type']}, not from a single level"
    if extractor["roi_layer"]["type"] != "RoIAlign":
        return f"it pools regions with {extractor['roi_layer']['type']}, not RoIAlign"
    for head in heads if isinstance(heads, list | tuple) else [heads]:
        if head["type"] != _PLAIN_BOX_HEAD:
            return f"its box head is {head['type']}, where the family has {_PLAIN_BOX_HEAD}"
        if head.get("cls_predictor_cfg"):
            return f"its classifier is {head['cls_predictor_cfg']['type']}, not a plain layer"
        loss = head.get("loss_cls", {}).get("type", "CrossEntropyLoss")
        if loss != "CrossEntropyLoss":
            return f"its classifier trains with {loss}, not cross-entropy"
    return None
