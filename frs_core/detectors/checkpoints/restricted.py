"""torch.load that can only ever build tensors, containers, numbers and strings."""

import errno
import pickle  # nosec B403  # for its exceptions; what is loaded goes through weights_only
import re
import threading
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import torch

from frs_core.detectors.checkpoints.inert import SAFE_GLOBALS, revive
from frs_core.errors import CheckpointError

_REFUSED = re.compile(r"GLOBAL (\S+)")
_UNPICKLER = "WeightsUnpickler error: "  # PyTorch puts it after much advice
_FIELD = "checkpoint"

# PyTorch has one allow-list for all threads, and forgets our names when the first of two loads ends.
_allow_list = threading.RLock()


def load_state(path: Path) -> dict[str, Any]:
    """A `state` checkpoint of one of our own runs, on the CPU: tensors, plain data and NumPy arrays.

    Raises:
        CheckpointError: if the file is missing, damaged, not a checkpoint, or would have to execute code.
    """
    state = read_pickled(open_checkpoint(path))
    if not isinstance(state, dict):
        raise not_a_checkpoint(path, f"it holds a {type(state).__name__} instead of a dictionary")
    return state


def open_checkpoint(path: Path) -> Path:
    """`path`, if there is a file with something in it."""
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise CheckpointError(f"checkpoint {str(path)!r} {problem}; give the path of a file.", field=_FIELD)
    if path.stat().st_size == 0:
        raise CheckpointError(f"checkpoint {str(path)!r} is empty; save or download it again.", field=_FIELD)
    return path


def read_pickled(source: Path | BinaryIO, map_location: Any = "cpu") -> Any:
    """What `torch.save` wrote, or CheckpointError. There is no second try with fewer restrictions."""
    try:
        with _allow_list, torch.serialization.safe_globals(SAFE_GLOBALS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's advice is on how to load the file unsafely
            return revive(torch.load(source, map_location=map_location, weights_only=True))
    except Exception as error:  # what a damaged or hostile file raises is of that file's choosing
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno != errno.EINVAL):
            raise
        raise _explain(source, error) from error


def not_a_checkpoint(source: Path | BinaryIO, reason: str) -> CheckpointError:
    """The error for a file that can never be loaded."""
    return CheckpointError(
        f"{_name(source)} is not a checkpoint that can be used: {reason}. Give a .pth or .pt file written by "
        "torch.save (a state dictionary, or one under 'state_dict' or 'model'), or a .safetensors file.",
        field=_FIELD,
    )


def _explain(source: Path | BinaryIO, error: Exception) -> CheckpointError:
    refused = _REFUSED.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
    if refused is not None:
        return CheckpointError(
            f"{_name(source)} was refused: loading it would execute code ({refused[1]}), and a checkpoint "
            "may hold tensors and plain data only. Save its state dictionary alone, as .pth or .safetensors.",
            field=_FIELD,
        )
    if "central directory" in str(error) or isinstance(error, EOFError):
        return not_a_checkpoint(source, "it is truncated")
    reason = str(error).rpartition(_UNPICKLER)[2].split("\n", 1)[0].rstrip(".")
    return not_a_checkpoint(source, f"it cannot be read ({type(error).__name__}: {reason})")


def _name(source: Path | BinaryIO) -> str:
    return f"checkpoint {str(source)!r}" if isinstance(source, Path) else "the checkpoint"
