"""Files that would execute code, and a way to see that they did not."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Hostile:
    """Whatever unpickles this object without restrictions creates the marker."""

    marker: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.marker}",))


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Hostile]:
    """Put it anywhere in a checkpoint; the test fails if the file was ever executed."""
    trap = Hostile(tmp_path / "marker")
    yield trap
    assert not trap.marker.exists()
