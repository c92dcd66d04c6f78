"""Checkpoint files are judged without being loaded."""

import collections
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from frs_core.errors import CheckpointError
from service.api import checkpoints

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class Hostile:
    """Pickled, it leaves a file behind when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def archive(path: Path, content: bytes, member: str = "x/data.pkl") -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(member, content)
    return path


def legacy(path: Path, content: object) -> Path:
    pickles = (LEGACY_MAGIC, 1001, {"little_endian": True}, content, [])
    path.write_bytes(b"".join(pickle.dumps(item, protocol=2) for item in pickles))
    return path


def safetensors(path: Path, header: bytes) -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    return path


PLAIN = collections.OrderedDict(state_dict={"weight": [1.0, 2]}, meta={"epoch": 3})


def test_plain_data_passes_in_every_form(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    checkpoints.inspect(archive(tmp_path / "a.pth", pickle.dumps(PLAIN, protocol=2)))
    checkpoints.inspect(legacy(tmp_path / "b.pt", PLAIN))
    checkpoints.inspect(safetensors(tmp_path / "c.safetensors", header))


@pytest.mark.torch
def test_what_torch_saves_passes(tmp_path: Path) -> None:
    import torch

    model = torch.nn.Conv2d(3, 4, 3).half()
    content = {
        "state_dict": model.state_dict(),
        "optimizer": torch.optim.AdamW(model.parameters()).state_dict(),
        "dtype": torch.bfloat16,
        "size": torch.Size([1]),
    }
    torch.save(content, tmp_path / "new.pth")
    torch.save(content, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    checkpoints.inspect(tmp_path / "new.pth")
    checkpoints.inspect(tmp_path / "old.pth")


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_calls_something_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "it-ran"
    file = archive(tmp_path / "a.pth", pickle.dumps({"x": Hostile(trace)}, protocol=protocol))
    with pytest.raises(CheckpointError, match="could run code"):
        checkpoints.inspect(file)
    assert not trace.exists()


def test_hostile_parts_are_found_wherever_they_are(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path / "it-ran")
    other_member = archive(tmp_path / "a.pth", pickle.dumps(PLAIN, protocol=2))
    with zipfile.ZipFile(other_member, "a") as file:
        file.writestr("x/constants.pkl", pickle.dumps(hostile, protocol=2))
    for file in (other_member, legacy(tmp_path / "b.pth", {"x": hostile})):
        with pytest.raises(CheckpointError, match="could run code"):
            checkpoints.inspect(file)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "ends in"),
        ("a.pth", b"", "not a PyTorch checkpoint"),
        ("a.pth", b"<html>404</html>", "not a PyTorch checkpoint"),
        ("a.pth", pickle.dumps(PLAIN), "not a PyTorch checkpoint"),
        ("a.pth", pickle.dumps(LEGACY_MAGIC, protocol=2) + b"\x80\x02(", "damaged"),
        ("a.safetensors", b"", "header's length"),
        ("a.safetensors", b"\xff" * 64, "header's length"),
        ("a.safetensors", struct.pack("<Q", 2) + b"{]" + bytes(8), "not JSON"),
        ("a.safetensors", struct.pack("<Q", 2) + b"{}" + bytes(8), "no tensors"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=reason):
        checkpoints.inspect(tmp_path / name)


def test_an_archive_without_a_pickle_or_with_a_damaged_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no data\.pkl"):
        checkpoints.inspect(archive(tmp_path / "a.pth", b"", member="readme"))
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoints.inspect(archive(tmp_path / "b.pth", b"\x80\x02}q\x00X\xff"))


def test_a_plan_too_large_to_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MAX_PLAN_BYTES", 10)
    with pytest.raises(CheckpointError, match="more than 10 bytes"):
        checkpoints.inspect(archive(tmp_path / "a.pth", pickle.dumps(PLAIN, protocol=2)))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        checkpoints.inspect(tmp_path / "a.pth")
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(CheckpointError, match="no such file"):
        checkpoints.inspect(tmp_path / "folder.pth")
