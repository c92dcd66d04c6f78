import os
from pathlib import Path
from typing import Any

import pytest

from service.access.secret_file import write_secret
from service.cli.session import open_session
from service.client.local_key import LocalKeyError, local_key
from service.operate.folder import SUPERVISOR, SystemFolder
from service.operate.processes import ProcessIdentity, own_identity, write_identity

URL = "http://127.0.0.1:8000"


@pytest.fixture
def folder(tmp_path: Path) -> SystemFolder:
    """Of a system that runs: this very process stands for its supervisor."""
    folder = SystemFolder(tmp_path)
    folder.create()
    folder.url_file.write_text(f"{URL}\n")
    write_secret(folder.key_file, "the key")
    write_identity(folder.pid_file(SUPERVISOR), own_identity())
    return folder


@pytest.fixture
def sent(folder: SystemFolder, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The key that a command would send to an address."""
    monkeypatch.setenv("FRS_DATA_DIR", str(folder.data_dir))
    monkeypatch.delenv("FRS_API_KEY", raising=False)
    keys: list[str | None] = []
    monkeypatch.setattr("service.cli.session.Client", lambda _url, key, **_: keys.append(key))

    def send(url: str | None) -> str | None:
        open_session(url).connect()
        return keys[-1]

    return send


def test_the_key_of_the_system_that_runs_here_is_found(sent: Any) -> None:
    assert sent(None) == "the key"
    assert sent(URL) == "the key"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8001",
        "http://127.0.0.1:80001",
        "http://localhost:8000",
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8000@evil.example",
        "http://127.0.0.1:8000.evil.example",
        "http://evil.example/http://127.0.0.1:8000",
    ],
)
def test_it_is_sent_to_no_other_address(sent: Any, url: str) -> None:
    assert sent(url) is None


def test_a_key_that_is_given_comes_first(sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_API_KEY", "mine")
    assert sent(None) == "mine"
    assert sent("http://elsewhere") == "mine"


def test_an_address_that_a_dead_system_left_gets_no_key(sent: Any, folder: SystemFolder) -> None:
    gone = ProcessIdentity(pid=os.getpid(), start_ticks=1, boot_id="another")
    write_identity(folder.pid_file(SUPERVISOR), gone)
    assert sent(None) is None


def test_a_key_that_others_could_read_is_not_used(folder: SystemFolder) -> None:
    folder.key_file.chmod(0o640)
    with pytest.raises(LocalKeyError, match="open to others"):
        local_key(folder.data_dir, URL)
