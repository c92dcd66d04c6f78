"""What each extra installs is enough for what it is for, and `client` and `server` install no torch."""

import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEAVY = {"torch", "onedl-mmdetection", "onedl-mmengine", "onedl-mmcv", "opencv-python"}
OURS = {"frs-distill"}

IMPORT_WITHOUT = """
import importlib, sys
for name in sys.argv[2:]:
    sys.modules[name] = None
importlib.import_module(sys.argv[1])
"""


def closure(extra: str) -> set[str]:
    """All distributions that `pip install .[extra]` brings, by canonical name."""
    found: set[str] = set()
    pending = [("frs-distill", frozenset({extra}))]
    seen = set()
    while pending:
        name, extras = pending.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(name)
        for need in needs_of(name):
            if any(need.marker is None or need.marker.evaluate({"extra": each}) for each in (*extras, "")):
                pending.append((canonicalize_name(need.name), frozenset(need.extras)))
    return found - OURS


@cache
def installed_packages() -> dict[str, set[str]]:
    """Top-level package -> canonical names of the distributions that brought it."""
    return {
        package: {canonicalize_name(name) for name in names}
        for package, names in packages_distributions().items()
    }


@cache
def needs_of(name: str) -> list[Requirement]:
    try:
        return [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:  # for another platform
        return []


@pytest.mark.parametrize("extra", ["client", "server", "embedded"])
def test_no_torch_comes_with(extra):
    assert not closure(extra) & HEAVY


def test_the_worker_brings_what_it_trains_with():
    assert closure("worker") >= HEAVY


@pytest.mark.parametrize(
    ("extra", "module"),
    [
        ("client", "service.client"),
        ("client", "service.cli.main"),
        ("server", "service.api.app"),
        ("server", "service.jobs.keeper"),
        ("server", "migrations.__main__"),
        ("embedded", "service.operate.up"),
        pytest.param("worker", "frs_core.run", marks=pytest.mark.slow),
    ],
)
def test_the_extra_is_enough_to_import(extra, module):
    allowed = closure(extra) | OURS
    blocked = [package for package, owners in installed_packages().items() if not owners & allowed]
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_WITHOUT, module, *blocked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
