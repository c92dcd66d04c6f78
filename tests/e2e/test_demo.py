"""`make demo`'s command on a smaller experiment, to its end and interrupted."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.operate.processes import marked
from tests.fixtures.systems import experiment

pytestmark = [pytest.mark.slow, pytest.mark.torch, pytest.mark.timeout(600)]


@pytest.fixture
def demo(tmp_path: Path, repo_root: Path) -> "subprocess.Popen[str]":
    (tmp_path / "exp.yaml").write_text(json.dumps(experiment(1)))
    return subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", "demo", "exp.yaml", "--output-dir", "reports"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repo_root)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_demo_compares_reports_and_leaves_nothing_running(
    demo: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    out, _ = demo.communicate()
    assert demo.returncode == 0
    assert "Dashboard: http://127.0.0.1:" in out
    assert "gap closed" in out
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {
        f"comparison.{name}" for name in ("csv", "html", "json", "md", "pdf", "tex", "zip")
    }
    assert marked(str(tmp_path)) == set()


def test_a_demo_told_to_end_stops_its_system(demo: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert demo.stdout is not None
    assert "Dashboard" in demo.stdout.readline()
    assert marked(str(tmp_path))
    demo.send_signal(signal.SIGTERM)
    demo.communicate()
    assert demo.returncode == 130
    assert marked(str(tmp_path)) == set()
