"""The cache's folder: bounded, and never emptied under somebody's feet."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.torch
Take = Callable[..., Any]
ENTRY = (torch.zeros(250),)  # a little over 1000 bytes


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Take]:
    from frs_core.training.cache_folder import take_shelf

    taken = []

    def make(key: str, needed_bytes: int = 2000, max_bytes: int = 5000) -> Any:
        taken.append(take_shelf(tmp_path, key, needed_bytes=needed_bytes, max_bytes=max_bytes))
        return taken[-1]

    yield make
    for shelf in taken:
        shelf.close()


def filled(take: Take, key: str) -> Any:
    shelf = take(key)
    shelf.write("entry", ENTRY)
    return shelf


def test_what_was_used_longest_ago_makes_room(take: Take, tmp_path: Path) -> None:
    for key in ("old", "new"):
        filled(take, key).close()
    take("old").close()  # reading counts as use
    take("third", needed_bytes=3500)
    assert not (tmp_path / "new").exists()
    assert take("old").read("entry") is not None


def test_what_is_in_use_stays_and_what_does_not_fit_is_not_kept(take: Take, tmp_path: Path) -> None:
    used = filled(take, "used")
    late = take("late", needed_bytes=4500)
    for name in "abc":  # 2000 bytes are promised to the one in use
        if name < "c":
            late.write(name, ENTRY)
    with pytest.raises(OSError, match=r"raise teacher\.cache\.max_gib"):
        late.write("c", ENTRY)
    assert used.read("entry") is not None
    assert late.read("c") is None
    assert not list(tmp_path.glob("*/.*"))


def test_two_runs_share_a_teacher(take: Take) -> None:
    one, other = filled(take, "same"), take("same")
    found = other.read("entry")
    assert found is not None
    assert torch.equal(found[0], ENTRY[0])
    one.close()
    take("another", needed_bytes=4900)
    assert other.read("entry") is not None
