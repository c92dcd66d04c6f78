"""What the shell offers after TAB."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.client import Client

Make = Callable[..., Any]


@pytest.fixture
def tab(
    run: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], list[str]]:
    """The words that bash is offered for a line."""

    def press(line: str) -> list[str]:
        monkeypatch.setenv("_FRS_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        result = run()
        assert result.err == ""
        return result.out.split()

    return press


def connected(monkeypatch: pytest.MonkeyPatch, server: Any) -> None:
    def connect(_url: str | None) -> Client:
        return Client("http://fake", retry_delays=(), transport=httpx.MockTransport(server))

    monkeypatch.setattr("service.cli.completion.connect", connect)


def test_ids_are_offered_by_their_beginning(
    tab: Callable[[str], list[str]],
    server: Any,
    make_experiment: Make,
    make_job: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected(monkeypatch, server)
    server.answers["GET /experiments"] = {
        "items": [make_experiment("running", id=name) for name in ("ab1", "cd2")]
    }
    server.answers["GET /jobs"] = {"items": [make_job("running", id="ab3")]}
    assert tab("frs compare ab") == ["ab1", "ab3"]
    assert tab("frs tag add ") == ["@latest", "ab1", "cd2"]
    assert tab("frs download ab") == ["ab3"]


def test_commands_and_settings_are_offered(tab: Callable[[str], list[str]]) -> None:
    assert tab("frs wat") == ["watch"]
    assert tab("frs config get ur") == ["url"]


@pytest.mark.usefixtures("server")
def test_a_server_that_is_away_costs_no_error_and_little_time(
    tab: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRS_URL", "http://127.0.0.1:9")
    started = time.monotonic()
    assert tab("frs show e") == []
    assert time.monotonic() - started < 5
    monkeypatch.setenv("FRS_URL", "no address")
    assert tab("frs show e") == []
