"""requirements.lock holds one version of everything, and it is the one installed here."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


@pytest.fixture(scope="module")
def pins(repo_root: Path) -> dict[str, Version]:
    lines = (repo_root / "requirements.lock").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(text) for name, text in pairs}


@pytest.fixture(scope="module")
def direct(repo_root: Path) -> list[Requirement]:
    project = tomllib.loads((repo_root / "pyproject.toml").read_text())["project"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    requirements = [Requirement(text) for text in (*project["dependencies"], *extras)]
    return [requirement for requirement in requirements if requirement.name != project["name"]]


def test_every_dependency_is_pinned_to_a_version_that_pyproject_allows(pins, direct):
    wrong = [str(need) for need in direct if not need.specifier.contains(pins[canonicalize_name(need.name)])]
    assert wrong == []


def test_what_is_installed_is_what_is_pinned(pins):
    differing = {}
    for name, pin in pins.items():
        try:
            installed = Version(version(name))
        except PackageNotFoundError:
            continue  # another platform's, or an extra that is not installed
        if Version(installed.public) != pin:
            differing[name] = f"{installed} is installed, {pin} is locked: run make lock or make clean"
    assert differing == {}


def test_no_pin_ties_the_lock_to_one_accelerator(pins):
    assert not [name for name in pins if re.match(r"nvidia-|cuda-|triton", name)]
    assert all(pin.local is None for pin in pins.values())
