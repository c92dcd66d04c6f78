"""Writes index.json from the configs and metadata inside the installed mmdet package.

`python -m frs_core.zoo.generate` writes it; with `--check` it exits 1 where the file at hand differs.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from frs_core.zoo import ZooEntry

INDEX = Path(__file__).with_name("index.json")

FAMILIES = {
    ("RetinaNet", "RetinaHead", None): "retinanet",
    ("FCOS", "FCOSHead", None): "fcos",
    ("GFL", "GFLHead", None): "gfl",
    ("FasterRCNN", "RPNHead", "StandardRoIHead"): "faster_rcnn",
    ("CascadeRCNN", "RPNHead", "CascadeRoIHead"): "cascade_rcnn",
}
"""The detector, dense head and RoI head types that make a family. Another family is one more line here."""

_OPERATORS = {
    "DCN": "deform_conv",
    "DCNv2": "modulated_deform_conv",
    "SAC": "deform_conv",
    "CARAFE": "carafe",
    "CrissCrossAttention": "ccattention",
    "PSAMask": "psamask",
    "MultiScaleDeformableAttention": "ms_deform_attn",
    "soft_nms": "softnms",
}
"""Layer types built on an operator of mmcv that is neither NMS, RoIAlign nor the focal loss."""

_HEAD_NORM_DEFAULT: dict[str, Mapping[str, Any] | None] = {
    "RetinaHead": None,
    "FCOSHead": {"type": "GN", "num_groups": 32},
    "GFLHead": {"type": "GN", "num_groups": 32},
    "RPNHead": None,
}
"""What mmdet's heads take where a config is silent about `norm_cfg`."""

_STACKED_CONVS = {"RetinaHead": 4, "FCOSHead": 4, "GFLHead": 4, "RPNHead": 1}
"""Convolutions before the classifier where a config is silent."""


def mim_folder() -> Path:
    """The folder of configs and metadata inside the installed mmdet, found without importing it."""
    spec = find_spec("mmdet")
    if spec is None or spec.origin is None:
        raise SystemExit("mmdet is not installed: pip install onedl-mmdetection")
    return Path(spec.origin).parent / ".mim"


def generate() -> str:
    """The text of index.json for the installed mmdet: one line per entry, sorted by name."""
    folder = mim_folder()
    metadata = _metadata(folder)
    paths = sorted((folder / "configs").glob("*/*.py"))
    entries = [found for path in paths if (found := _entry(folder, path, metadata)) is not None]
    entries.sort(key=lambda item: item.name)
    lines = ",\n".join(f"  {entry.model_dump_json()}" for entry in entries)
    installed = json.dumps(version("onedl-mmdetection"))
    return f'{{\n "mmdet_version": {installed},\n "entries": [\n{lines}\n ]\n}}\n'


def _metadata(folder: Path) -> dict[str, dict[str, Any]]:
    """Config path -> what the metafiles state of it."""
    imports = yaml.safe_load((folder / "model-index.yml").read_text())["Import"]
    models: dict[str, dict[str, Any]] = {}
    for name in imports:
        content = yaml.safe_load((folder / name).read_text())
        for model in content.get("Models", []) if isinstance(content, dict) else content:
            models.setdefault(model["Config"], model)
    return models


def _entry(folder: Path, path: Path, metadata: Mapping[str, Mapping[str, Any]]) -> ZooEntry | None:
    if path.parent.name == "_base_" or path.stem.endswith("_tta"):
        return None
    try:
        config = Config.fromfile(path, import_custom_modules=False)
    except FileNotFoundError:  # the package ships tracking configs whose bases it does not ship
        return None
    model = config.get("model")
    family = _family(model) if model and not config.get("custom_imports") else None
    if family is None:
        return None
    head, backbone, preprocessor = _dense_head(model), model.backbone, model.data_preprocessor
    assert head is not None
    weights_url = metadata.get(str(path.relative_to(folder)), {}).get("Weights")
    return ZooEntry(
        name=path.relative_to(folder / "configs").with_suffix("").as_posix(),
        family=family,
        strides=tuple(_strides(head)),
        scores_per_location=_scores_per_location(head),
        fpn_channels=model.neck.out_channels,
        head_channels=head.get("feat_channels", 256),
        stacked_convs=head.get("stacked_convs", _STACKED_CONVS[head.type]),
        head_norm_groups=_norm_groups(head),
        backbone_type=backbone.type,
        backbone_depth=backbone.get("depth"),
        backbone_style=backbone.get("style"),
        mean=tuple(preprocessor.mean),
        std=tuple(preprocessor.std),
        bgr_to_rgb=preprocessor.get("bgr_to_rgb", False),
        operators=tuple(sorted(set(_operators(model)))),
        weights_url=weights_url,
        weights_sha256_prefix=_hash_suffix(weights_url),
        published_ap=_published_ap(metadata.get(str(path.relative_to(folder)), {})),
    )


def _family(model: Any) -> str | None:
    """The family of a complete, box-only detector with one FPN and a plain classifier; else None."""
    head, neck, roi_head = _dense_head(model), model.get("neck"), model.get("roi_head") or {}
    if head is None or not isinstance(neck, dict) or model.get("mask_head") or roi_head.get("mask_head"):
        return None
    if neck.get("type") != "FPN" or not _strides(head) or head.get("cls_predictor_cfg"):
        return None
    if roi_head and not _is_plain_roi_head(roi_head):
        return None
    return FAMILIES.get((str(model.get("type")), str(head.get("type")), roi_head.get("type")))


def _is_plain_roi_head(roi_head: Mapping[str, Any]) -> bool:
    """Whether it pools with RoIAlign from one level and classifies with two shared layers and softmax."""
    extractor, heads = roi_head["bbox_roi_extractor"], roi_head["bbox_head"]
    return (
        extractor["type"] == "SingleRoIExtractor"
        and extractor["roi_layer"]["type"] == "RoIAlign"
        and all(
            head["type"] == "Shared2FCBBoxHead"
            and not head.get("cls_predictor_cfg")
            and head.get("loss_cls", {}).get("type", "CrossEntropyLoss") == "CrossEntropyLoss"
            for head in (heads if isinstance(heads, list | tuple) else [heads])
        )
    )


def _dense_head(model: Any) -> Any | None:
    """The head on every location: the detector's own, or the region proposal network's."""
    head = model.get("rpn_head") or model.get("bbox_head")
    return head if isinstance(head, dict) else None


def _strides(head: Mapping[str, Any]) -> list[int]:
    strides = head.get("strides") or head.get("anchor_generator", {}).get("strides") or ()
    return [int(stride) for stride in strides]


def _scores_per_location(head: Mapping[str, Any]) -> int:
    anchors = head.get("anchor_generator")
    if anchors is None:
        return 1
    scales = anchors.get("scales_per_octave") or len(anchors["scales"])
    return int(scales * len(anchors["ratios"]))


def _norm_groups(head: Mapping[str, Any]) -> int:
    norm = head.get("norm_cfg", _HEAD_NORM_DEFAULT[head["type"]])
    return int(norm["num_groups"]) if norm and norm["type"] == "GN" else 0


def _operators(node: Any) -> Iterator[str]:
    """The operators that the layers under a node of the config are built on."""
    if isinstance(node, dict):
        if node.get("dcn_on_last_conv"):
            yield "modulated_deform_conv"
        kind = node.get("type")
        if isinstance(kind, str) and kind in _OPERATORS:
            yield _OPERATORS[kind]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else ()
    for child in children:
        yield from _operators(child)


def _hash_suffix(url: str | None) -> str | None:
    """OpenMMLab ends the name of a weights file with the first 8 digits of its SHA-256."""
    found = re.search(r"-([0-9a-f]{8})\.pth$", url or "")
    return found.group(1) if found else None


def _published_ap(model: Mapping[str, Any]) -> float | None:
    for result in model.get("Results", ()):
        if result.get("Dataset") == "COCO" and result.get("Task") == "Object Detection":
            value = result.get("Metrics", {}).get("box AP")
            return None if value is None else float(value)
    return None


def main(write: Callable[[str], object] = sys.stdout.write) -> int:
    """Write index.json, or with `--check` compare it. The exit status: 1 where it differs."""
    parser = argparse.ArgumentParser(description="Index the installed mmdet's configs.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if index.json differs")
    check = parser.parse_args().check
    text = generate()
    if not check:
        INDEX.write_text(text)
        write(f"wrote {INDEX}\n")
        return 0
    if INDEX.exists() and INDEX.read_text() == text:
        return 0
    write(f"{INDEX} differs from the installed mmdet's configs: run python -m frs_core.zoo.generate\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
