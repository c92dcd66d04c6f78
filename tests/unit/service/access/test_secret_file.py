import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.access.secret_file import read_secret, shared_secret, write_secret


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "secret"
    secret = shared_secret(path)
    assert len(secret) >= 43
    assert shared_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(shared_secret, [tmp_path / "run" / "secret"] * 16))
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["secret"]


def test_a_secret_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_secret(path, "known")
    path.chmod(0o644)
    with pytest.raises(PermissionError, match="open to others"):
        read_secret(path)


def test_a_link_to_a_secret_is_not_followed(tmp_path: Path) -> None:
    write_secret(tmp_path / "secret", "known")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="link"):
        read_secret(tmp_path / "link")
