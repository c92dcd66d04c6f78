import stat
from pathlib import Path

import pytest

from service.operate.errors import OperateError
from service.operate.folder import MAX_SOCKET_PATH_BYTES, SUPERVISOR, SystemFolder
from service.operate.processes import own_identity, write_identity


@pytest.fixture
def folder(tmp_path: Path) -> SystemFolder:
    made = SystemFolder(tmp_path / "data")
    made.create()
    return made


def test_the_socket_lies_where_only_its_owner_can_go(folder: SystemFolder) -> None:
    assert stat.S_IMODE(folder.create_socket_dir().parent.stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_one(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path = tmp_path_factory.mktemp("x")  # a test's own folder has a long name
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = SystemFolder(tmp_path / ("d" * 90))
    folder.create()
    path = folder.create_socket_dir()
    assert len(str(path)) <= MAX_SOCKET_PATH_BYTES
    assert path.parent.parent == tmp_path
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    folder.clean()
    assert not path.parent.exists()


def test_a_socket_folder_that_others_could_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = SystemFolder(tmp_path / ("d" * 90))
    folder.create()
    folder.socket_path.parent.mkdir()
    folder.socket_path.parent.chmod(0o755)
    with pytest.raises(OperateError, match="open to other users"):
        folder.create_socket_dir()


def test_only_one_can_hold_a_folder(folder: SystemFolder) -> None:
    with folder.hold() as first, folder.hold() as second:
        assert (first, second) == (True, False)
    with folder.hold() as again:
        assert again


def test_a_supervisor_is_known_while_it_lives(folder: SystemFolder) -> None:
    assert folder.find_supervisor() is None
    write_identity(folder.pid_file(SUPERVISOR), own_identity())
    assert folder.find_supervisor() == own_identity()


def test_cleaning_leaves_no_trace_of_a_running_system(folder: SystemFolder) -> None:
    folder.url_file.write_text("http://127.0.0.1:1\n")
    write_identity(folder.pid_file("api"), own_identity())
    folder.socket_path.touch()
    assert folder.read_url() == "http://127.0.0.1:1"
    folder.clean()
    assert folder.read_url() is None
    assert list(folder.run_dir.iterdir()) == []


def test_a_place_where_no_folder_can_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperateError, match=r"cannot be the data folder .*--data-dir"):
        SystemFolder(tmp_path / "file" / "data").create()
