import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from service.cli import demo
from service.client import Client
from service.client.experiment_file import ExperimentFile

Make = Callable[..., Any]
COMPARISON = {"experiment": "e", "baseline": "none", "rows": [], "warnings": ["one seed"]}


@pytest.fixture
def play(server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    """Runs the demo on the fake server."""
    monkeypatch.setattr(demo, "_system", lambda _settings: nullcontext("http://fake"))
    monkeypatch.setattr(
        demo, "Client", lambda url, _key: Client(url, retry_delays=(), transport=httpx.MockTransport(server))
    )
    file = ExperimentFile(path=tmp_path / "exp.yaml", content={"name": "a"}, lines={"name": 1})

    def run() -> int:
        return int(demo.run_demo(file, SimpleNamespace(data_dir=tmp_path), tmp_path / "reports"))

    server.answers["POST /tickets"] = {"path": "/login/once", "expires_at": "2026-01-02T03:04:05Z"}
    return run


def test_a_demo_writes_the_reports_and_names_them(
    server: Any, play: Make, make_experiment: Make, make_job: Make, tmp_path: Path, capsys: Any
) -> None:
    done = make_experiment("succeeded", make_job("succeeded"))
    server.answers["POST /experiments"] = done
    server.answers["GET /experiments/e1234567890"] = done
    server.answers["GET /experiments/e1234567890/comparison"] = COMPARISON
    server.answers["GET /experiments/e1234567890/report"] = COMPARISON
    assert play() == 0
    printed = capsys.readouterr().out
    assert "Dashboard: http://fake/login/once" in printed
    names = [f"comparison.{name}" for name in ("html", "pdf", "tex", "md", "csv", "json")]
    assert f"Reports in {tmp_path / 'reports'}: {', '.join(names)}" in printed.replace("\n", " ")
    assert json.loads((tmp_path / "reports" / "comparison.json").read_text()) == COMPARISON
    formats = [request.url.params.get("format") for request in server.requests[-7:]]
    assert formats == ["html", "pdf", "tex", "md", "csv", "json", "zip"]


def test_a_failed_demo_shows_the_reason_and_the_end_of_the_log(
    server: Any, play: Make, make_experiment: Make, make_job: Make, tmp_path: Path, capsys: Any
) -> None:
    failed = make_experiment(
        "failed",
        make_job("failed", reason="loss is not finite"),
        make_job("blocked", "b", reason="none"),
    )
    server.answers["POST /experiments"] = failed
    server.answers["GET /experiments/e1234567890"] = failed
    lines = "".join(f"[line {number}]\n" for number in range(100))
    server.answers["GET /jobs/j-frs-0/logs"] = {"text": lines, "next_after": "1", "finished": True}
    assert play() == 1
    printed = capsys.readouterr().err
    assert "frs · seed 0: loss is not finite" in printed
    assert "b · seed 0: none" in printed
    assert "[line 99]" in printed
    assert "[line 79]" not in printed
    assert not (tmp_path / "reports").exists()
