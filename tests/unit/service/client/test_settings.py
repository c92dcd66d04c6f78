"""Where url and key come from, in order; and what frs.toml may say."""

import os
from pathlib import Path
from typing import Any

import pytest

from service.client import Client, SettingsError
from service.client.settings import DEFAULT_URL, ClientSettings, read_settings
from service.client.settings_file import with_value


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a folder in it, and the data folder of a system that runs."""
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "deep" / "er").mkdir(parents=True)
    run = tmp_path / "data" / "run"
    run.mkdir(parents=True)
    (run / "url").write_text("http://127.0.0.1:1234\n")
    return tmp_path / "project"


def seen(
    folder: Path, url: str | None = None, api_key: str | None = None, **environment: str
) -> ClientSettings:
    variables = {f"FRS_{name}": value for name, value in environment.items()}
    return read_settings(url=url, api_key=api_key, folder=folder, environment=variables)


def write(folder: Path, text: str) -> Path:
    path = folder / "frs.toml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_the_order_is_argument_environment_file_record_default(project: Path) -> None:
    data = str(project.parent / "data")
    assert seen(project).url.value == DEFAULT_URL
    assert seen(project, DATA_DIR=data).url.value == "http://127.0.0.1:1234"
    path = write(project, f'url = "http://file"\ndata_dir = "{data}"')
    assert seen(project).url.value == "http://file"
    assert seen(project).url.source == str(path)
    assert seen(project, URL="http://variable").url.value == "http://variable"
    assert seen(project, URL="http://variable").url.source == "FRS_URL"
    assert seen(project, "http://given", URL="http://variable").url.value == "http://given"


def test_a_given_key_comes_before_all_others(project: Path) -> None:
    data = str(project.parent / "data")
    assert seen(project, API_KEY="mine", DATA_DIR=data).api_key.value == "mine"
    assert seen(project, api_key="given", API_KEY="mine", DATA_DIR=data).api_key.value == "given"


def test_a_key_file_is_found_from_the_folder_of_the_settings(project: Path) -> None:
    write(project, 'api_key_file = "secret"')
    (project / "secret").write_text("from-file\n")
    assert seen(project / "deep").api_key.value == "from-file"
    assert seen(project, API_KEY="mine").api_key.value == "mine"
    (project / "secret").unlink()
    with pytest.raises(SettingsError, match=r"api_key_file .* holds no key"):
        seen(project)


def test_the_nearest_file_holds_and_the_search_ends_at_the_repository(project: Path) -> None:
    write(project.parent, 'url = "http://outside"')
    assert seen(project / "deep" / "er").url.value == DEFAULT_URL
    write(project, 'url = "http://whole"')
    write(project / "deep", 'url = "http://deep"')
    assert seen(project / "deep" / "er").url.value == "http://deep"
    assert seen(project).url.value == "http://whole"


def test_the_search_ends_at_home(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = project.parent / "home"
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    write(project.parent, 'url = "http://outside"')
    assert seen(home / "work").url.value == DEFAULT_URL


def test_a_file_that_others_can_write_is_refused(project: Path) -> None:
    write(project, 'url = "http://evil"').chmod(0o666)
    with pytest.raises(SettingsError, match="can be written by others"):
        seen(project)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(project, 'url = "http://evil"')
    os.chown(path, 1234, 1234)
    with pytest.raises(SettingsError, match="can be written by others"):
        seen(project)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("urls = 'http://a'", "did you mean url?"),
        ("api_key = 'secret'", "set FRS_API_KEY or api_key_file"),
        ("colour = 1", "known: url, api_key_file"),
        ("url = 3", "url is 3: give an address"),
        ("url = 'ftp://a'", "give an address"),
        ("port = 70000", "give a number from 0 to 65535"),
        ("port = true", "give a number"),
        ("timeout_seconds = 0", "give seconds"),
        ("url", "is not valid TOML"),
        ("[table]\nurl = 'http://a'", "no setting 'table'"),
    ],
)
def test_what_cannot_stand_in_the_file_is_named(project: Path, text: str, words: str) -> None:
    path = write(project, text)
    with pytest.raises(SettingsError) as caught:
        seen(project)
    assert words in str(caught.value)
    assert str(path) in str(caught.value) or "frs.toml" in str(caught.value)


def test_a_variable_is_checked_as_the_file_is(project: Path) -> None:
    with pytest.raises(SettingsError, match="FRS_TIMEOUT_SECONDS is 'long'"):
        seen(project, TIMEOUT_SECONDS="long")
    assert seen(project, TIMEOUT_SECONDS="2.5").timeout_seconds == 2.5


@pytest.mark.parametrize(
    ("before", "name", "value", "after"),
    [
        ("", "url", "http://a", 'url = "http://a"\n'),
        ("# why\nport = 1 # x\nhost = 'h'\n", "port", 2, "# why\nport = 2\nhost = 'h'\n"),
        ("port = 1\nhost = 'h'", "port", None, "host = 'h'\n"),
        ("", "host", 'a"b\\c', 'host = "a\\"b\\\\c"\n'),
    ],
)
def test_one_line_is_changed_and_the_rest_stays(before: str, name: str, value: Any, after: str) -> None:
    assert with_value(before, name, value) == after


def test_the_client_finds_its_server_as_the_command_does(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("FRS_URL", "http://variable")
    with Client() as client:
        assert client.url == "http://variable"
    with Client("http://given/") as client:
        assert client.url == "http://given"
