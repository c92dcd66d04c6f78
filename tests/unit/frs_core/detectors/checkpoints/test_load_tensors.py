"""Which files are read, what is kept of them, and how the others are refused."""

import argparse
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from frs_core.detectors.checkpoints import load_state, load_tensors
from frs_core.errors import CheckpointError

TENSORS = {"backbone.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.tensor([1.5])}


def saved(path: Path, content: object, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


def assert_same(state_dict: dict[str, Tensor]) -> None:
    assert state_dict.keys() == TENSORS.keys()
    assert all(torch.equal(state_dict[name], TENSORS[name]) for name in TENSORS)


def test_the_trap_of_these_tests_works(hostile: Any) -> None:
    file = saved(hostile.marker.with_suffix(".pth"), hostile)
    torch.load(file, weights_only=False)
    assert hostile.marker.exists()
    hostile.marker.unlink()


@pytest.mark.parametrize(
    "layout",
    [
        TENSORS,
        {"state_dict": TENSORS},
        {"model": TENSORS},
        {"state_dict": {f"module.{name}": tensor for name, tensor in TENSORS.items()}},
        {"model": {name: torch.nn.Parameter(tensor) for name, tensor in TENSORS.items()}, "epoch": 3},
    ],
    ids=["bare", "state_dict", "model", "parallel", "parameters"],
)
def test_layouts(layout: dict[str, Any], tmp_path: Path) -> None:
    loaded = load_tensors(saved(tmp_path / "a.pth", layout))
    assert_same(loaded.state_dict)
    assert all(type(tensor) is Tensor and not tensor.requires_grad for tensor in loaded.state_dict.values())
    assert loaded.meta == {}


def test_the_format_before_torch_1_6(tmp_path: Path) -> None:
    assert_same(
        load_tensors(saved(tmp_path / "a.pt", TENSORS, _use_new_zipfile_serialization=False)).state_dict
    )


def test_safetensors_whatever_its_name(tmp_path: Path) -> None:
    safetensors.torch.save_file(TENSORS, tmp_path / "stored-blob", {"method": "frs"})
    loaded = load_tensors(tmp_path / "stored-blob")
    assert_same(loaded.state_dict)
    assert loaded.meta == {"method": "frs"}


def test_meta_becomes_plain_data(tmp_path: Path) -> None:
    meta = {
        "epoch": 12,
        "lr": np.float64(0.5),
        "dataset_meta": {"classes": ("a", "b"), "palette": np.array([[1, 2]], dtype=np.uint8)},
        "config": "import os",
        "tensor": torch.ones(1),
        "bytes": b"x",
        7: "no text key",
        "list": [None, True, {1, 2}],
    }
    loaded = load_tensors(saved(tmp_path / "a.pth", {"state_dict": TENSORS, "meta": meta}))
    assert loaded.meta == {
        "epoch": 12,
        "lr": 0.5,
        "dataset_meta": {"classes": ["a", "b"], "palette": [[1, 2]]},
        "config": "import os",
        "list": [None, True],
    }
    assert type(loaded.meta["lr"]) is float


def test_what_is_no_tensor_is_left_out(tmp_path: Path) -> None:
    content = {"state_dict": TENSORS | {"_extra_state": {"a": 1}}, "optimizer": {"lr": 1}}
    assert_same(load_tensors(saved(tmp_path / "a.pth", content)).state_dict)


@pytest.mark.parametrize("layout", ["bare", "state_dict", "meta", "optimizer"])
def test_code_is_refused_wherever_it_hides(layout: str, hostile: Any, tmp_path: Path) -> None:
    content = {"bare": TENSORS | {"a": hostile}, "state_dict": {"state_dict": {"a": hostile}}}.get(
        layout, {"state_dict": TENSORS, layout: {"a": hostile}}
    )
    file = saved(tmp_path / "a.pth", content)
    with pytest.raises(CheckpointError, match=r"would execute code \(posix\.system\)"):
        load_tensors(file)
    with pytest.raises(CheckpointError, match="refused"):
        load_state(file)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_plain_pickle_is_refused(protocol: int, hostile: Any, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"a": hostile}, protocol=protocol))
    with pytest.raises(CheckpointError):
        load_tensors(tmp_path / "a.pth")


def test_code_in_the_old_format_is_refused(hostile: Any, tmp_path: Path) -> None:
    file = saved(tmp_path / "a.pth", {"a": hostile}, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"posix\.system"):
        load_tensors(file)


def test_an_object_that_is_merely_not_data_is_named(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.pth", {"state_dict": TENSORS, "args": argparse.Namespace(lr=1)})
    with pytest.raises(CheckpointError, match=r"argparse\.Namespace"):
        load_tensors(file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"GIF89a, by its first bytes", "another kind of file"),
        (b"PK\x03\x04 but no archive", "cannot be read .*ZIP archive"),
        ((200).to_bytes(8, "little") + b'{"a":', "damaged safetensors"),
    ],
)
def test_files_that_are_no_checkpoints(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=reason) as caught:
        load_tensors(tmp_path / "a.pth")
    assert str(tmp_path / "a.pth") in str(caught.value)
    assert caught.value.field == "checkpoint"


def test_a_truncated_file(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.pth", TENSORS)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="it is truncated"):
        load_tensors(file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([1, 2], "holds a list"),
        (torch.ones(1), "holds a Tensor"),
        ({"epoch": 3, "weights": {"a": torch.ones(1)}}, "no tensors .found: epoch, weights"),
        ({"state_dict": {}}, "no tensors"),
        ({"a": torch.eye(2).to_sparse()}, "'a' is sparse"),
        ({"a": torch.empty(2, device="meta")}, "'a' is sparse, quantised or has no data"),
        ({"module.a": torch.ones(1), "a": torch.ones(1)}, "both with and without"),
    ],
)
def test_content_that_is_no_state_dictionary(content: object, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=reason):
        load_tensors(saved(tmp_path / "a.pth", content))


def test_a_script_archive_is_refused(tmp_path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(1, 1)).save(str(tmp_path / "a.pt"))
    with pytest.raises(CheckpointError, match="TorchScript"):
        load_tensors(tmp_path / "a.pt")


@pytest.mark.parametrize(("name", "problem"), [("nothing.pth", "does not exist"), (".", "is a folder")])
def test_a_path_without_a_file(name: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=problem):
        load_tensors(tmp_path / name)


def test_references_that_stand_for_billions_of_values_are_refused(tmp_path: Path) -> None:
    value: list[Any] = [0] * 10
    for _ in range(12):
        value = [value] * 10
    with pytest.raises(CheckpointError, match="more than 200000 values"):
        load_tensors(saved(tmp_path / "a.pth", {"state_dict": TENSORS, "meta": {"bomb": value}}))


def test_a_value_that_contains_itself_is_refused(tmp_path: Path) -> None:
    meta: dict[str, Any] = {}
    meta["self"] = meta
    with pytest.raises(CheckpointError, match="nested more than 32 levels"):
        load_tensors(saved(tmp_path / "a.pth", {"state_dict": TENSORS, "meta": meta}))


@pytest.mark.parametrize("layout", ["zip", "old", "safetensors"])
def test_a_damaged_file_is_a_checkpoint_error_or_loads(layout: str, tmp_path: Path) -> None:
    file = tmp_path / "a"
    if layout == "safetensors":
        safetensors.torch.save_file(TENSORS, file)
    else:
        saved(file, {"state_dict": TENSORS}, _use_new_zipfile_serialization=layout == "zip")
    whole, chance, refused = file.read_bytes(), random.Random(0), 0
    for _ in range(60):
        damaged = bytearray(whole[: chance.randrange(1, len(whole))] if chance.random() < 0.5 else whole)
        for _ in range(chance.randrange(8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        file.write_bytes(damaged)
        try:
            load_tensors(file)
        except CheckpointError:
            refused += 1
    assert refused > 20
