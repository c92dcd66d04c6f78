import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cli.session import DEFAULT_URL, open_session

COMMANDS = ["up", "down", "submit", "validate", "list", "show", "compare", "logs", "cancel", "doctor", "demo"]
BLOCKED = (
    "alembic", "celery", "cv2", "fastapi", "mmdet", "numpy", "PIL", "pydantic_settings", "redis",
    "sqlalchemy", "structlog", "torch", "uvicorn",
)  # fmt: skip
WITHOUT_SERVER = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
from service.cli.main import main
sys.argv = ["frs", *sys.argv[1:]]
main()
"""


def without_server(*arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FRS_")}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVER, *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd, env=environment | {"COLUMNS": "200"},
    )  # fmt: skip


def test_the_address_is_given_else_recorded_else_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRS_DATA_DIR", str(tmp_path))
    assert open_session("http://given").url == "http://given"
    assert open_session(None).url == DEFAULT_URL
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "url").write_text("http://127.0.0.1:1234\n")
    assert open_session(None).url == "http://127.0.0.1:1234"


def test_the_command_works_with_the_clients_packages_alone(tmp_path: Path) -> None:
    (tmp_path / "exp.yaml").write_text("name: a")
    ended = without_server("--url", "http://127.0.0.1:9", "submit", "exp.yaml", cwd=tmp_path)
    assert ended.returncode == 3, ended.stderr
    assert "cannot reach http://127.0.0.1:9" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"), [("up", "embedded"), ("down", "embedded"), ("validate exp.yaml", "server")]
)
def test_commands_that_need_more_say_what_to_install(tmp_path: Path, arguments: str, extra: str) -> None:
    (tmp_path / "exp.yaml").write_text("dataset: {format: voc}")
    ended = without_server(*arguments.split(), cwd=tmp_path)
    assert ended.returncode == 1
    assert f"pip install 'frs-distill[{extra}]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_names_every_command_and_the_exit_codes(run: Callable[..., Any]) -> None:
    text = run("--help").out
    for name in [
        "up",
        "down",
        "submit",
        "validate",
        "list",
        "show",
        "compare",
        "logs",
        "cancel",
        "doctor",
        "demo",
    ]:
        assert f" {name} " in text
    assert "130 detached" in text
