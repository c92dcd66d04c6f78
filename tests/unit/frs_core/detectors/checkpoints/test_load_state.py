"""A run's own state: tensors, plain data and arrays, exactly as they were saved."""

import random
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from frs_core.detectors.checkpoints import load_state
from frs_core.errors import CheckpointError


def round_trip(state: Any, path: Path) -> Any:
    torch.save(state, path)
    return load_state(path)


def test_random_states_continue_where_they_were(tmp_path: Path) -> None:
    numbers, chance = np.random.RandomState(1), random.Random(2)
    loaded = round_trip({"numpy": numbers.get_state(), "python": chance.getstate()}, tmp_path / "a.pth")
    other_numbers, other_chance = np.random.RandomState(), random.Random()
    other_numbers.set_state(loaded["numpy"])
    other_chance.setstate(loaded["python"])
    assert other_numbers.bytes(64) == numbers.bytes(64)
    assert other_chance.random() == chance.random()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5, dtype=np.float16),
        np.array([True, False]),
        np.zeros((0, 4), dtype=np.uint8),
        np.array([1 + 2j]),
    ],
    ids=str,
)
def test_arrays(array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    (loaded,) = round_trip({"list": [array]}, tmp_path / "a.pth")["list"]
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == array.dtype
    assert loaded.flags.writeable


def test_scalars_and_containers_keep_their_types(tmp_path: Path) -> None:
    shared = [np.float32(0.1)]
    state = {"a": shared, "b": (np.int64(3), shared), "c": OrderedDict(x=np.bool_(True)), "d": 2**80}
    loaded = round_trip(state, tmp_path / "a.pth")
    assert loaded == state
    assert type(loaded["a"][0]) is np.float32
    assert type(loaded["c"]) is OrderedDict
    assert loaded["b"][1] is loaded["a"]


def test_a_circular_state_is_read(tmp_path: Path) -> None:
    state: dict[str, Any] = {"array": np.ones(2)}
    state["self"] = state
    loaded = round_trip(state, tmp_path / "a.pth")
    assert loaded["self"] is loaded


@pytest.mark.parametrize(
    "array",
    [np.array([object()]), np.array(["text"]), np.zeros(1, dtype=[("a", "f8")])],
    ids=["objects", "text", "records"],
)
def test_arrays_of_anything_but_numbers_are_refused(array: Any, tmp_path: Path) -> None:
    torch.save({"a": array}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError):
        load_state(tmp_path / "a.pth")


def test_other_things_than_dictionaries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds a list"):
        round_trip([1], tmp_path / "a.pth")


def test_loads_in_several_threads_keep_what_is_allowed(tmp_path: Path) -> None:
    torch.save({"a": [np.arange(2000)] * 50}, tmp_path / "a.pth")
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                load_state(tmp_path / "a.pth")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_nothing_stays_allowed_for_others(tmp_path: Path) -> None:
    before = set(torch.serialization.get_safe_globals())
    round_trip({"a": np.ones(1)}, tmp_path / "a.pth")
    assert set(torch.serialization.get_safe_globals()) == before  # torch keeps a set: its order is no promise


@pytest.mark.torch
def test_mmengines_histories_come_back(tmp_path: Path) -> None:
    from mmengine.logging import HistoryBuffer

    history = HistoryBuffer([1.0, 3.0], [1, 1], max_length=7)
    loaded = round_trip({"log_scalars": {"loss": history}}, tmp_path / "a.pth")["log_scalars"]["loss"]
    assert type(loaded) is HistoryBuffer
    assert (loaded.mean(), loaded.max_length, loaded.current()) == (2.0, 7, 3.0)
