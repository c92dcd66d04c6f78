"""What it means that a test's surroundings are missing: a skip on a laptop, a failure where CI is set."""

import os
from pathlib import Path
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """End the test. `reason` says what is missing and how to supply it."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} (CI is set, so this is a failure)", pytrace=False)
    pytest.skip(reason)


def folder_from(variable: str, default: Path) -> Path:
    """The folder an environment variable names, else the default; ends the test where it is absent."""
    folder = Path(os.environ.get(variable) or default)
    if not folder.is_dir():
        unavailable(f"no folder {folder}: set {variable}")
    return folder.resolve()
