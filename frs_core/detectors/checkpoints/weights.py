"""Weights: from files of several layouts, into a model, and out to safetensors."""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from frs_core.context import publish
from frs_core.detectors.checkpoints.plain import plain
from frs_core.detectors.checkpoints.restricted import not_a_checkpoint, open_checkpoint, read_pickled
from frs_core.errors import CheckpointError

_PICKLED = (b"PK\x03\x04", b"\x80")  # a zip archive; the bare pickle of torch before 1.6
_EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class LoadedCheckpoint:
    """What a file holds: dense tensors on the CPU, and plain data (what JSON can express)."""

    state_dict: dict[str, Tensor]
    meta: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """Names: those loaded, those the file lacks, those the model lacks, those of another shape."""

    loaded: list[str]
    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]


def load_tensors(path: Path) -> LoadedCheckpoint:
    """Read .safetensors, or what torch.save wrote: a state dictionary, bare or under 'state_dict' or 'model'.

    The format is told by the content. The prefix 'module.' of parallel training is dropped.

    Raises:
        CheckpointError: if the file is missing, empty, damaged, no checkpoint, or would have to execute code.
    """
    with open_checkpoint(path).open("rb") as file:
        head = file.read(9)
    if head.startswith(_PICKLED):
        found, meta = _split(path, read_pickled(path))
    elif head[8:] == b"{":
        found, meta = _read_safetensors(path)
    else:
        raise not_a_checkpoint(path, "its first bytes are those of another kind of file")
    tensors = {
        name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)
    }
    if not tensors:
        raise not_a_checkpoint(path, f"it holds no tensors (found: {_list(map(str, found))})")
    return LoadedCheckpoint(state_dict=dict(_normalise(path, tensors)), meta=meta)


def load_into(
    model: nn.Module, state_dict: Mapping[str, Tensor], *, max_missing_share: float = 0.05
) -> LoadReport:
    """Copy what fits into the model, and say what did not.

    Raises:
        CheckpointError: if more than this share of the model's names is missing or of another shape; the
            model is then unchanged. Counters of batch norm (`num_batches_tracked`) may be missing freely.
    """
    own = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    mismatched = [name for name in own if name in state_dict and own[name].shape != state_dict[name].shape]
    report = LoadReport(
        loaded=[name for name in own if name in state_dict and name not in mismatched],
        missing=[name for name in own if name not in state_dict and not name.endswith("num_batches_tracked")],
        unexpected=[name for name in state_dict if name not in own],
        mismatched=mismatched,
    )
    absent = len(report.missing) + len(mismatched)
    if not report.loaded or absent > max_missing_share * (len(report.loaded) + absent):
        raise CheckpointError(_misfit(own, state_dict, report), field="checkpoint")
    model.load_state_dict({name: state_dict[name] for name in report.loaded}, strict=False)
    return report


def save_weights(state_dict: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> Path:
    """Write a safetensors file, whole or not at all; equal content gives equal bytes."""
    tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state_dict.items()}
    content = safetensors.torch.save(tensors, dict(metadata))
    temporary = path.with_name(path.name + ".partial")
    temporary.write_bytes(_with_sorted_header(content))
    return publish(temporary, path)


def _with_sorted_header(content: bytes) -> bytes:
    """The library writes metadata in an order that changes from call to call, and with it the file's hash."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def _split(path: Path, checkpoint: Any) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The dictionary that should hold the tensors, and the one that describes them."""
    if not isinstance(checkpoint, dict):
        raise not_a_checkpoint(path, f"it holds a {type(checkpoint).__name__} instead of a dictionary")
    meta = checkpoint.get("meta")
    for layout in ("state_dict", "model"):
        if isinstance(checkpoint.get(layout), dict):
            checkpoint = checkpoint[layout]
            break
    return checkpoint, plain(meta) if isinstance(meta, dict) else {}


def _read_safetensors(path: Path) -> tuple[dict[Any, Any], dict[str, Any]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise not_a_checkpoint(path, f"it is a damaged safetensors file ({error})") from error


def _normalise(path: Path, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    names = {name: name.removeprefix("module.") for name in tensors}
    if len(set(names.values())) < len(names):
        raise not_a_checkpoint(path, "it names some tensors both with and without the prefix 'module.'")
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            raise not_a_checkpoint(path, f"tensor {name!r} is sparse, quantised or has no data")
        yield names[name], tensor.detach()


def _misfit(own: Mapping[str, Tensor], given: Mapping[str, Tensor], report: LoadReport) -> str:
    shapes = [f"{name} {tuple(given[name].shape)} for {tuple(own[name].shape)}" for name in report.mismatched]
    message = (
        f"the checkpoint is not one of this detector: of {len(own)} names, {len(report.missing)} are missing "
        f"({_list(report.missing)}) and {len(shapes)} have another shape ({_list(shapes)}); the file has "
        f"{len(report.unexpected)} others ({_list(report.unexpected)})."
    )
    heads = [name for name in report.mismatched if _differs_in_classes(name, own[name], given[name])]
    if heads and len(heads) == len(report.mismatched) and not report.missing:
        return (
            "the checkpoint's head was trained for another number of classes than this dataset has: "
            f"{_list(shapes)}. Give a checkpoint that was trained on these classes, or have the detector "
            "trained on this dataset first."
        )
    return (
        message + " Check that the detector's name and its options are those the checkpoint was trained with."
    )


def _differs_in_classes(name: str, own: Tensor, given: Tensor) -> bool:
    """Whether only the outputs of a classifying layer differ; class-wise box regression counts as one."""
    layer = name.split(".")[-2:-1]
    return own.shape[1:] == given.shape[1:] and any("cls" in part or "fc_reg" in part for part in layer)


def _list(names: Any) -> str:
    names = list(names)
    more = f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
    return (", ".join(names[:_EXAMPLES]) or "none") + more
