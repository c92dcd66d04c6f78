"""What a path in a request may lead to: plain files below the roots, and nothing else by no detour."""

import hashlib
import os
from pathlib import Path

import pytest

from service.api.import_roots import copy_plain, path_below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "open"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "a.pth").write_bytes(b"weights")
    (tmp_path / "openly").mkdir()
    (tmp_path / "secret.pth").write_bytes(b"secret")
    return root


def test_a_file_below_a_root_is_found_whatever_the_root_is_called(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    (root / "inner.pth").symlink_to(root / "deep" / "a.pth")
    for given in (
        root / "deep" / "a.pth",
        root / "deep" / ".." / "inner.pth",
        tmp_path / "link" / "inner.pth",
    ):
        assert path_below(str(given), [tmp_path / "nowhere", tmp_path / "link"]) == root / "deep" / "a.pth"


@pytest.mark.parametrize(
    "given",
    [
        "{root}/../secret.pth",
        "{root}/deep/../../secret.pth",
        "{root}/escape.pth",
        "{root}/folder/secret.pth",
        "{root}/circle",
        "{root}ly/x.pth",
        "/etc/passwd",
        "/no/such/file.pth",
        "/proc/self/environ",
    ],
)
def test_what_leads_out_is_refused_alike_whether_it_is_there_or_not(
    root: Path, tmp_path: Path, given: str
) -> None:
    (root / "escape.pth").symlink_to(tmp_path / "secret.pth")
    (root / "folder").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    with pytest.raises(ValueError, match=r"is not below .*open, where imports by path are allowed"):
        path_below(given.replace("{root}", str(root)), [root])


@pytest.mark.parametrize("given", ["a.pth", "", "~/a.pth", "/a\0b"])
def test_a_path_is_absolute(root: Path, given: str) -> None:
    with pytest.raises(ValueError, match="give an absolute path"):
        path_below(given, [root])


def test_without_roots_no_path_is_taken(root: Path) -> None:
    with pytest.raises(ValueError, match="FRS_IMPORT_ROOTS"):
        path_below(str(root / "deep" / "a.pth"), [])


def test_a_plain_file_is_copied_with_its_hash_up_to_the_limit(root: Path, tmp_path: Path) -> None:
    source, target = root / "deep" / "a.pth", tmp_path / "copy"
    assert copy_plain(source, target, max_bytes=7) == hashlib.sha256(b"weights").hexdigest()
    assert target.read_bytes() == b"weights"
    with pytest.raises(ValueError, match="more than 6 bytes"):
        copy_plain(source, target, max_bytes=6)


def test_what_became_something_else_since_it_was_judged_is_not_read(root: Path, tmp_path: Path) -> None:
    judged = path_below(str(root / "deep" / "a.pth"), [root])
    judged.unlink()
    judged.symlink_to(tmp_path / "secret.pth")
    with pytest.raises(ValueError, match="cannot be read"):
        copy_plain(judged, tmp_path / "copy", max_bytes=100)
    judged.unlink()
    os.mkfifo(judged)  # would block whoever opened it to read
    with pytest.raises(ValueError, match="no plain file"):
        copy_plain(judged, tmp_path / "copy", max_bytes=100)
    judged.unlink()
    judged.parent.rmdir()
    judged.parent.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pth").write_bytes(b"secret")
    with pytest.raises(ValueError, match="no plain file"):
        copy_plain(judged, tmp_path / "copy", max_bytes=100)
    with pytest.raises(ValueError, match="cannot be read"):
        copy_plain(root / "absent.pth", tmp_path / "copy", max_bytes=100)
