import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.operate import checks

Run = Callable[..., Any]


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {"torch": "2.13.0", "gpus": [], "cuda": None, "cv2": "4.12.0"}
    monkeypatch.setattr(checks, "_probe", lambda: found)
    return found


def findings(run: Run) -> tuple[int, dict[str, dict[str, str]]]:
    result = run("doctor", "--json")
    return result.code, {item["name"]: item for item in json.loads(result.out)}


def test_a_fit_machine_without_a_server_is_warned_only(run: Run, server: Any, probe: dict[str, Any]) -> None:
    server.answers["GET /readyz"] = httpx.ConnectError("refused")
    code, found = findings(run)
    assert code == 0
    assert found["torch"]["level"] == "ok"
    assert found["gpu"]["level"] == "warn"
    assert found["server"]["level"] == "warn"
    assert "frs up" in found["server"]["remedy"]


def test_a_server_that_is_not_ready_fails_with_its_reasons(
    run: Run, server: Any, probe: dict[str, Any]
) -> None:
    checked = {"status": "unavailable", "checks": {"database": "ok", "broker": "cannot be reached"}}
    server.answers["GET /readyz"] = httpx.Response(503, json=checked)
    code, found = findings(run)
    assert code == 1
    assert found["server"]["message"] == "broker: cannot be reached"


def test_what_torch_cannot_do_is_named_with_its_remedy(run: Run, server: Any, probe: dict[str, Any]) -> None:
    server.answers["GET /readyz"] = {"status": "ok"}
    probe.clear()
    probe.update(torch_error="ModuleNotFoundError: no torch", cv2_error="ImportError: libGL.so.1 is absent")
    code, found = findings(run)
    assert code == 1
    assert found["server"]["level"] == "ok"
    assert found["torch"] == {
        "name": "torch", "level": "warn", "message": "ModuleNotFoundError: no torch",
        "remedy": checks.WORKER_REMEDY,
    }  # fmt: skip
    assert found["opencv"]["level"] == "fail"
    assert "libgl1" in found["opencv"]["remedy"]


@pytest.mark.parametrize(("free_gib", "level"), [(0.5, "fail"), (5, "warn"), (50, "ok")])
def test_a_full_disk_is_noticed(
    run: Run, server: Any, probe: dict[str, Any], monkeypatch: pytest.MonkeyPatch, free_gib: float, level: str
) -> None:
    server.answers["GET /readyz"] = {"status": "ok"}
    usage = type("Usage", (), {"free": free_gib * checks.GIB})
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _path: usage)
    code, found = findings(run)
    assert found["disk"]["level"] == level
    assert code == (1 if level == "fail" else 0)


@pytest.mark.parametrize("compiled", [True, False])
def test_compiled_operators_are_told_from_the_fallback(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "__init__.py").touch()
    if compiled:
        (tmp_path / "mmcv" / "_ext.cpython-311-x86_64-linux-gnu.so").touch()
    spec = type("Spec", (), {"origin": str(tmp_path / "mmcv" / "__init__.py")})
    monkeypatch.setattr(checks, "find_spec", lambda _name: spec)
    assert ("fallback" in checks._operators().message) is not compiled
