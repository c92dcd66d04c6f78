"""Looks into a checkpoint file without loading it and without torch: is it one, and could it run code?

Workers load with `weights_only=True` and refuse again; this look refuses before anything is queued.
"""

import json
import pickletools  # nosec B403  # it lists what a pickle would do, and does nothing of it
import re
import zipfile
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, Any

from frs_core.errors import CheckpointError
from frs_core.weights.reference import EXTENSIONS

MAX_PLAN_BYTES = 64 * 2**20
"""Of a pickle or a header: what describes the tensors, without their numbers."""

_WIDTHS = {
    **{"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1},
    **{"U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4, "I32": 4, "F32": 4},
    **{"U64": 8, "I64": 8, "F64": 8, "C64": 8},
}
"""Bytes of one number of each type that safetensors has."""

_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LEGACY_PICKLES = 5  # magic number, protocol version, system, the object, names of the storages
_PLAIN = re.compile(
    r"""torch\s(Size|device|Tensor|\w+Storage|B?[Ff]loat\w*|bfloat16|u?int\d+|bool|half|double|long|short)
    |torch\.storage\s(Untyped|Typed)Storage
    |torch\._utils\s_rebuild_(tensor|tensor_v2|tensor_v3|parameter)
    |torch\.nn\.parameter\sParameter
    |torch\.serialization\s_get_layout
    |collections\s(OrderedDict|defaultdict|Counter)
    |_codecs\sencode
    |(builtins|__builtin__)\s(set|complex|bytearray|bytes|getattr)
    |numpy\s(dtype|ndarray)
    |numpy\.(_core|core)\.multiarray\s(_reconstruct|scalar)
    |mmengine\.logging\.history_buffer\sHistoryBuffer""",
    re.VERBOSE | re.ASCII,
)
_REFUSED_OPCODES = frozenset({"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"})


def inspect(path: Path) -> None:
    """Raises CheckpointError unless this is a safetensors file or a PyTorch checkpoint of plain data."""
    if path.suffix not in EXTENSIONS:
        raise CheckpointError(f"a checkpoint's name ends in {', '.join(EXTENSIONS)}; {path.name!r} does not")
    try:
        if not path.is_file():
            raise CheckpointError("there is no such file on the server; give an absolute path")
        with path.open("rb") as file:
            if path.suffix == ".safetensors":
                _inspect_safetensors(file, path.stat().st_size)
            else:
                _inspect_pytorch(file)
    except OSError as error:
        raise CheckpointError(
            f"the file cannot be read ({error.strerror or error}); give an absolute path"
        ) from error


def _inspect_safetensors(file: IO[bytes], size_bytes: int) -> None:
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(MAX_PLAN_BYTES, size_bytes - 8):
        raise CheckpointError("the file is not a safetensors file: its header's length is wrong")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise CheckpointError("the file is not a safetensors file: its header is not JSON") from error
    if not isinstance(header, dict) or not header.keys() - {"__metadata__"}:
        raise CheckpointError("the safetensors file holds no tensors")
    tensors = {name: item for name, item in header.items() if name != "__metadata__"}
    wrong = [name for name, item in tensors.items() if not _is_tensor(item, size_bytes - 8 - length)]
    if wrong:
        raise CheckpointError(
            f"the safetensors file is damaged: its header describes {str(wrong[0])[:100]!r} wrongly"
        )


def _is_tensor(item: Any, num_bytes: int) -> bool:
    """Whether a header's entry describes a tensor that lies within the bytes that follow."""
    if not isinstance(item, dict) or item.keys() != {"dtype", "shape", "data_offsets"}:
        return False
    shape, offsets, width = item["shape"], item["data_offsets"], _WIDTHS.get(str(item["dtype"]))
    if width is None or not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        return False
    begin, end = offsets
    return bool(begin <= end <= num_bytes and end - begin == width * prod(shape))


def _are_counts(items: Any) -> bool:
    return isinstance(items, list) and all(type(item) is int and item >= 0 for item in items)


def _inspect_pytorch(file: IO[bytes]) -> None:
    if file.read(len(_LEGACY_MAGIC)) == _LEGACY_MAGIC:
        file.seek(0)
        names = [name for _ in range(_LEGACY_PICKLES) for name in _globals(file)]
    elif zipfile.is_zipfile(file):
        names = _globals_of_archive(file)
    else:
        raise CheckpointError("the file is not a PyTorch checkpoint; save one with torch.save")
    hostile = sorted({name for name in names if not _PLAIN.fullmatch(name)})
    if hostile:
        shown = ", ".join(name.replace(" ", ".")[:100] for name in hostile[:5])
        raise CheckpointError(
            f"the checkpoint holds more than tensors and plain data ({shown}) and could run code; "
            "save its state_dict alone, best as safetensors"
        )


def _globals_of_archive(file: IO[bytes]) -> list[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            plans = [item for item in archive.infolist() if item.filename.endswith(".pkl")]
            if not any(item.filename.rpartition("/")[2] == "data.pkl" for item in plans):
                raise CheckpointError("the archive holds no data.pkl: it is not a PyTorch checkpoint")
            if sum(item.file_size for item in plans) > MAX_PLAN_BYTES:
                raise CheckpointError(
                    f"the checkpoint describes its tensors in more than {MAX_PLAN_BYTES} bytes"
                )
            return [name for item in plans for name in _member_globals(archive, item)]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"the archive is damaged ({error})") from error


def _member_globals(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> list[str]:
    with archive.open(item) as member:
        return list(_globals(member))


def _globals(pickle: IO[bytes]) -> Iterator[str]:
    """The `module name` of all that the next pickle would import, and opcodes that hide what they import.

    Nothing is imported or built.
    """
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            if opcode.name in _REFUSED_OPCODES:
                yield opcode.name
            elif opcode.name == "GLOBAL":
                yield str(argument)
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"the checkpoint's pickle is damaged ({str(error)[:200]})") from error
