"""Weights: from files of several layouts, and out to safetensors."""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from frs_core.detectors.checkpoints.averages import without_averages
from frs_core.detectors.checkpoints.fitting import shortened
from frs_core.detectors.checkpoints.plain import plain
from frs_core.detectors.checkpoints.restricted import not_a_checkpoint, open_checkpoint, read_pickled
from frs_core.files import publish

_PICKLED = (b"PK\x03\x04", b"\x80")  # a zip archive; the bare pickle of torch before 1.6


@dataclass(frozen=True, kw_only=True)
class LoadedCheckpoint:
    """What a file holds: dense tensors on the CPU, and plain data (what JSON can express).

    `set_aside` names what was left out as another copy of the weights, such as the averages of EMA.
    """

    state_dict: dict[str, Tensor]
    meta: dict[str, Any]
    set_aside: tuple[str, ...] = ()


def load_tensors(path: Path) -> LoadedCheckpoint:
    """Read .safetensors, or what torch.save wrote: a state dictionary, bare or under 'state_dict' or 'model'.

    The format is told by the content. The prefix 'module.' of parallel training is dropped. Where a file
    holds the weights twice, for EMA, one copy is taken (see `averages`).

    Raises:
        CheckpointError: if the file is missing, empty, damaged, no checkpoint, or would have to execute code.
    """
    with open_checkpoint(path).open("rb") as file:
        head = file.read(9)
    if head.startswith(_PICKLED):
        content = read_pickled(path)
        found, meta = _split(path, content)
    elif head[8:] == b"{":
        content = {}
        found, meta = _read_safetensors(path)
    else:
        raise not_a_checkpoint(path, "its first bytes are those of another kind of file")
    tensors = {
        name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)
    }
    if not tensors:
        raise not_a_checkpoint(path, f"it holds no tensors (found: {shortened(map(str, found))})")
    weights, averages = without_averages(dict(_normalise(path, tensors)), content)
    return LoadedCheckpoint(state_dict=weights, meta=meta, set_aside=averages)


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
