"""Fixtures that all tests share. Those of one subject are in `tests/fixtures`, one file each."""

import os
from pathlib import Path

import pytest
import structlog

from tests.availability import folder_from

TESTS = Path(__file__).parent

pytest_plugins = [f"tests.fixtures.{path.stem}" for path in sorted((TESTS / "fixtures").glob("[!_]*.py"))]

# Before anything imports numpy or torch: tests and the processes they start share few cores.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# The name by which Starlette's test client calls a server in its own process.
os.environ.setdefault("FRS_ALLOWED_HOSTS", "testserver")

# Else it prints the values of all names in all frames, for minutes where they hold an application.
_plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, _plain]
)


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The root of the checkout."""
    return TESTS.parent


@pytest.fixture(scope="session")
def bccd_root(repo_root: Path) -> Path:
    """The folder of the BCCD blood cell images (VOC layout)."""
    return folder_from("FRS_BCCD_ROOT", repo_root.parent / "shared" / "data" / "bccd")


@pytest.fixture(scope="session")
def vectors_root(repo_root: Path) -> Path:
    """The folder of numbers recorded from the methods' published implementations."""
    return folder_from("FRS_VECTORS_ROOT", repo_root.parent / "shared" / "vectors")
