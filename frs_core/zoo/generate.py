"""Writes index.json from the configs and metadata inside the installed mmdet package.

`python -m frs_core.zoo.generate` writes it; with `--check` it exits 1 where the file at hand differs.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from frs_core.spec.imagenet import PUBLISHED
from frs_core.zoo import ZooEntry, hash_prefix
from frs_core.zoo.families import FAMILIES, dense_head, lack, strides

INDEX = Path(__file__).with_name("index.json")
_LINES = ",\n  "

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
    """The text of index.json for the installed mmdet: one line per entry and per reason of refusal."""
    folder = mim_folder()
    metadata = _metadata(folder)
    entries: list[ZooEntry] = []
    refused: dict[str, list[str]] = {}
    for path in sorted((folder / "configs").glob("*/*.py")):
        config = _detector_config(path)
        if config is None:
            continue
        name = path.relative_to(folder / "configs").with_suffix("").as_posix()
        reason = lack(config)
        if reason is None:
            entries.append(_entry(name, config.model, metadata.get(f"configs/{name}.py", {})))
        else:
            refused.setdefault(reason, []).append(name)
    aliases = {entry.backbone_weights for entry in entries if entry.backbone_weights}
    aliases |= {row.alias for row in PUBLISHED}
    sections = {
        "entries": [entry.model_dump_json() for entry in sorted(entries, key=attrgetter("name"))],
        "refused": [json.dumps({"reason": reason, "names": refused[reason]}) for reason in sorted(refused)],
        "backbone_weights": _weights(aliases),
    }
    listed = (f' "{key}": [\n  {_LINES.join(lines)}\n ]' for key, lines in sections.items())
    head = f' "mmdet_version": {json.dumps(version("onedl-mmdetection"))}'
    return "{\n" + ",\n".join([head, *listed]) + "\n}\n"


def _weights(aliases: Iterable[str]) -> list[str]:
    """Pairs of an alias and its address, as mmengine's own lists of model hubs have it, as JSON.

    What is an address already is left out.
    """
    spec = find_spec("mmengine")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "hub"
    files = {"open-mmlab": "openmmlab.json", "torchvision": "torchvision_0.12.json"}
    addresses = {scheme: json.loads((folder / name).read_text()) for scheme, name in files.items()}
    split = ((alias, *alias.partition("://")[::2]) for alias in sorted(aliases))
    return [json.dumps([alias, addresses[hub][name]]) for alias, hub, name in split if hub in addresses]


def _metadata(folder: Path) -> dict[str, dict[str, Any]]:
    """Config path -> what the metafiles state of it."""
    imports = yaml.safe_load((folder / "model-index.yml").read_text())["Import"]
    models: dict[str, dict[str, Any]] = {}
    for name in imports:
        content = yaml.safe_load((folder / name).read_text())
        for model in content.get("Models", []) if isinstance(content, dict) else content:
            models.setdefault(model["Config"], model)
    return models


def _detector_config(path: Path) -> Any | None:
    """The config of a complete detector; None for a part, a variant for testing, or a tracker."""
    if path.parent.name == "_base_" or path.stem.endswith("_tta"):
        return None
    try:
        config = Config.fromfile(path, import_custom_modules=False)
    except FileNotFoundError:  # the package ships tracking configs whose bases it does not ship
        return None
    return config if config.get("model", {}).get("backbone") else None


def _entry(name: str, model: Any, metadata: Mapping[str, Any]) -> ZooEntry:
    head, backbone, preprocessor = dense_head(model), model.backbone, model.data_preprocessor
    assert head is not None
    weights_url = metadata.get("Weights")
    return ZooEntry(
        name=name,
        family=FAMILIES[model.type][0],
        strides=tuple(strides(head)),
        scores_per_location=_scores_per_location(head),
        fpn_channels=model.neck.out_channels,
        head_channels=head.get("feat_channels", 256),
        stacked_convs=head.get("stacked_convs", _STACKED_CONVS[head.type]),
        head_norm_groups=_norm_groups(head),
        backbone_type=backbone.type,
        backbone_depth=backbone.get("depth"),
        backbone_style=backbone.get("style"),
        backbone_layers=tuple(_inserted_layers(backbone)),
        backbone_operators=tuple(sorted(set(_operators(backbone)))),
        backbone_weights=(backbone.get("init_cfg") or {}).get("checkpoint"),
        mean=tuple(preprocessor.mean),
        std=tuple(preprocessor.std),
        bgr_to_rgb=preprocessor.get("bgr_to_rgb", False),
        operators=tuple(sorted(set(_operators(model)))),
        weights_url=weights_url,
        weights_sha256_prefix=hash_prefix(weights_url),
        published_ap=_published_ap(metadata),
    )


def _scores_per_location(head: Mapping[str, Any]) -> int:
    anchors = head.get("anchor_generator")
    if anchors is None:
        return 1
    scales = anchors.get("scales_per_octave") or len(anchors["scales"])
    return int(scales * len(anchors["ratios"]))


def _norm_groups(head: Mapping[str, Any]) -> int:
    norm = head.get("norm_cfg", _HEAD_NORM_DEFAULT[head["type"]])
    return int(norm["num_groups"]) if norm and norm["type"] == "GN" else 0


def _inserted_layers(backbone: Mapping[str, Any]) -> Iterator[str]:
    """The types of the layers put into or in place of a residual block's own."""
    yield from (layer["type"] for layer in (backbone.get("dcn"), backbone.get("sac")) if layer)
    yield from (plugin["cfg"]["type"] for plugin in backbone.get("plugins") or ())


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
