"""Whatever process starts removes what killed ones left of archives, where it keeps data sets."""

import os
import threading
from pathlib import Path

import pytest
import structlog

from service.api.app import create_app
from service.jobs.keeper import keep
from service.settings import Settings


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """No other is asked for."""
    return sqlite_url


@pytest.fixture
def left(settings: Settings) -> Path:
    """What an upload left long ago."""
    settings.uploaded_dir.mkdir()
    path = settings.uploaded_dir / ".frs-upload-abc"
    path.write_bytes(b"half")
    os.utime(path, (0, 0))
    return path


def test_the_api_removes_it(settings: Settings, left: Path) -> None:
    from fastapi.testclient import TestClient

    with TestClient(create_app(settings)):
        assert not left.exists()


def test_a_folder_that_cannot_be_cleared_keeps_nothing_from_starting(
    settings: Settings, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi.testclient import TestClient

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr("service.datasets.files.discard_unfinished", refuse)
    with TestClient(create_app(settings)) as client:
        assert client.get("/healthz").status_code == 200
    assert left.exists()


def test_a_keeper_removes_it(settings: Settings, left: Path) -> None:
    stop = threading.Event()
    stop.set()
    keep(settings, stop)
    assert not left.exists()


def test_a_worker_removes_it(settings: Settings, left: Path) -> None:
    from workers.board import Board
    from workers.bootstep import Presence

    presence = Presence(settings, Board(), gpus=[], operators=[], num_slots=1)
    with structlog.contextvars.bound_contextvars(worker=""):
        presence.begin()
        presence.end()
    assert not left.exists()
