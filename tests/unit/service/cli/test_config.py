"""`frs config`, and what frs.toml does to the other commands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cli.session import Session

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands are given in, the root of a repository."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("FRS_API_KEY", "FRS_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_setting_is_written_shown_and_taken_away(run: Make, project: Path) -> None:
    assert run("config", "get", "url").out == "http://127.0.0.1:8000\n"
    assert run("config", "set", "url", "http://gpu1:8000").code == 0
    assert (project / "frs.toml").read_text() == 'url = "http://gpu1:8000"\n'
    assert json.loads(run("config", "get", "url", "--json").out) == {
        "name": "url",
        "value": "http://gpu1:8000",
        "source": str(project / "frs.toml"),
    }
    assert run("config", "path").out == f"{project / 'frs.toml'}\n"
    assert run("config", "unset", "url").code == 0
    assert (project / "frs.toml").read_text() == ""


def test_the_whole_says_where_each_comes_from_and_hides_the_key(
    run: Make, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRS_API_KEY", "frs_secret")
    (project / "frs.toml").write_text("port = 8001\n")
    result = run("config")
    assert "frs_secret" not in result.out
    assert "8001" in result.out
    shown = json.loads(run("config", "--json").out)
    assert shown["file"] == str(project / "frs.toml")
    found = {each["name"]: (each["value"], each["source"]) for each in shown["settings"]}
    assert found["api_key"] == ("(set)", "FRS_API_KEY")
    assert found["port"] == (8001, str(project / "frs.toml"))
    assert found["timeout_seconds"] == (30.0, "the default")


def test_an_option_goes_before_all(run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_URL", "http://variable")
    assert run("config", "get", "url").out == "http://variable\n"
    assert run("--url", "http://given", "config", "get", "url").out == "http://given\n"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("port", "8001", "port = 8001"),
        ("devices", "0,1", 'devices = "0,1"'),
        ("devices", "0", 'devices = "0"'),
    ],
)
def test_numbers_are_numbers_where_the_setting_is_one(
    run: Make, project: Path, name: str, value: str, line: str
) -> None:
    assert run("config", "set", name, value).code == 0
    assert (project / "frs.toml").read_text() == f"{line}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["set", "api_key", "frs_secret"], 2, "set FRS_API_KEY or api_key_file"),
        (["set", "prot", "1"], 2, "did you mean port?"),
        (["set", "port", "many"], 2, "give a number from 0 to 65535"),
        (["get", "prot"], 2, "did you mean port?"),
        (["get", "devices"], 4, "devices is not set"),
        (["path"], 4, "frs config set NAME VALUE"),
    ],
)
def test_what_cannot_be_says_why_and_writes_nothing(
    run: Make, project: Path, arguments: list[str], code: int, words: str
) -> None:
    result = run("config", *arguments)
    assert result.code == code
    assert words in result.err
    assert not (project / "frs.toml").exists()


def test_a_file_with_a_fault_stops_other_commands_and_can_be_mended(run: Make, project: Path) -> None:
    (project / "frs.toml").write_text("prot = 8001\nport = 8001\n")
    result = run("list")
    assert result.code == 2
    assert "no setting 'prot'; did you mean port?" in result.err
    assert run("config", "path").out == f"{project / 'frs.toml'}\n"


def test_the_doctor_names_a_fault_of_the_settings(
    run: Make, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.operate.checks._probe", lambda: {"torch": "1", "cv2": "1"})
    (project / "frs.toml").write_text("port = 'many'\n")
    result = run("doctor", "--json")
    found = {each["name"]: each for each in json.loads(result.out)}
    assert result.code == 1
    assert "port is 'many'" in found["settings"]["message"]
    assert "server" not in found


def test_the_key_goes_with_the_session(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    (project / "secret").write_text("frs_from_file\n")
    (project / "frs.toml").write_text("api_key_file = 'secret'\ntimeout_seconds = 3\n")
    session = Session()
    assert session.settings.api_key.value == "frs_from_file"
    assert session.settings.timeout_seconds == 3
