import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.operate import checks

Run = Callable[..., Any]


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch, server: Any) -> dict[str, Any]:
    key = {"id": "k", "name": "me", "role": "viewer", "state": "valid", "created_at": "2026-01-02T03:04:05Z"}
    server.answers["GET /me"] = key
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


@pytest.mark.parametrize(
    ("alive", "level", "word"),
    [
        ({"status": "ok"}, "ok", "on its own machine alone"),
        (httpx.Response(404, text="nginx"), "fail", "no server of FRS"),
    ],
)
def test_a_proxy_that_does_not_tell_of_readiness_is_no_fault(
    run: Run, server: Any, probe: dict[str, Any], alive: Any, level: str, word: str
) -> None:
    server.answers["GET /readyz"] = httpx.Response(404, text="nginx")
    server.answers["GET /healthz"] = alive
    _, found = findings(run)
    assert found["server"]["level"] == level
    assert word in found["server"]["message"]


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


NOW = "2026-01-02T03:04:05Z"


def worker(host: str, version: str = "0.1.0", **more: Any) -> dict[str, Any]:
    plain = {"id": host, "host": host, "pid": 1, "version": version, "devices": {}, "state": "online"}
    return {**plain, "heartbeat_at": NOW, **more}


@pytest.fixture
def whole(server: Any, probe: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server on which all is well."""
    monkeypatch.setattr("service.cli.server_checks.version", lambda _name: "0.1.0")
    server.answers["GET /readyz"] = {"status": "ok", "checks": {"database": "ok", "broker": "polling"}}
    server.answers["GET /openapi.json"] = {"info": {"version": "0.1.0"}}
    server.answers["GET /workers"] = {"items": [worker("a"), worker("b")]}
    return server


@pytest.mark.usefixtures("whole")
def test_key_version_and_workers_are_looked_at(run: Run) -> None:
    code, found = findings(run)
    assert code == 0
    assert [found[name]["level"] for name in ("settings", "server", "key", "version", "workers")] == [
        "ok"
    ] * 5
    assert "without a broker" in found["server"]["message"]
    assert found["workers"]["message"] == "2 online on a, b, version 0.1.0"


@pytest.mark.parametrize(
    ("path", "answer", "name", "level", "words"),
    [
        ("/me", httpx.Response(401, json={"detail": "no such key"}), "key", "fail", "set FRS_API_KEY"),
        (
            "/openapi.json",
            {"info": {"version": "0.2.0"}},
            "version",
            "warn",
            "pip install frs-distill==0.2.0",
        ),
        ("/workers", {"items": []}, "workers", "warn", "frs up, or python -m workers"),
        ("/workers", {"items": [worker("a", state="lost")]}, "workers", "warn", "frs up"),
        (
            "/workers",
            {"items": [worker("a", desired_state="drain")]},
            "workers",
            "warn",
            "frs worker undrain",
        ),
        ("/workers", {"items": [worker("a"), worker("b", "0.2.0")]}, "workers", "warn", "give all hosts one"),
        (
            "/workers",
            httpx.Response(500, json={"detail": "oh"}),
            "workers",
            "warn",
            "is this a server of FRS?",
        ),
    ],
)
def test_what_is_amiss_at_the_server_has_its_remedy(
    run: Run, whole: Any, path: str, answer: Any, name: str, level: str, words: str
) -> None:
    whole.answers[f"GET {path}"] = answer
    code, found = findings(run)
    assert found[name]["level"] == level
    assert words in found[name]["remedy"]
    assert code == (1 if level == "fail" else 0)


def test_a_data_folder_that_is_a_file_must_be_mended(
    run: Run, whole: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").touch()
    monkeypatch.setenv("FRS_DATA_DIR", str(tmp_path / "data"))
    code, found = findings(run)
    assert code == 1
    assert found["data"]["level"] == "fail"
    assert "FRS_DATA_DIR" in found["data"]["remedy"]
