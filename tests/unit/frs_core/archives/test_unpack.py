"""Hostile archives, each made in memory, leave nothing behind; honest ones come out whole."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from frs_core.archives import ArchiveError, Limits, unpack

LIMITS = Limits(max_bytes=64 * 2**20, max_entries=20)
FILES = {"cells/a.txt": b"a", "cells/deep/b.txt": b"bb"}
Unpack = Callable[[bytes], Path]


def zip_of(files: dict[str, bytes], kind: int = stat.S_IFREG, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = (kind | 0o4755) << 16, packing
            archive.writestr(entry, data)
    return content.getvalue()


def tar_of(*entries: tarfile.TarInfo, mode: str = "w", data: bytes = b"x") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as archive:
        for entry in entries:
            entry.size = len(data) if entry.isreg() else 0
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


@pytest.fixture
def unpacked(tmp_path: Path) -> Unpack:
    """Unpacks bytes into a new folder."""

    def do(content: bytes) -> Path:
        archive = tmp_path / "archive"
        archive.write_bytes(content)
        unpack(archive, tmp_path / "data" / "set", LIMITS)
        return tmp_path / "data" / "set"

    return do


@pytest.fixture
def refused(tmp_path: Path, unpacked: Unpack) -> Callable[[bytes], str]:
    """Why an archive is refused; nothing of it may be left."""

    def do(content: bytes) -> str:
        with pytest.raises(ArchiveError) as error:
            unpacked(content)
        assert {path.name for path in tmp_path.rglob("*")} <= {"archive", "data"}
        return str(error.value)

    return do


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz"])
def test_an_honest_archive_comes_out_without_its_one_folder(unpacked: Unpack, mode: str) -> None:
    if mode == "zip":
        content = zip_of(FILES | {"__MACOSX/._a": b"", "cells/.DS_Store": b"x"})
    else:
        folders = [entry(name, tarfile.DIRTYPE) for name in (".", "./", "./cells")]
        names = [*folders, *map(entry, FILES)]
        content = tar_of(*names, mode=mode)
    folder = unpacked(content)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"a.txt", "deep/b.txt"}
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o7111 == 0 for path in folder.rglob("*.txt"))


BAD_NAMES = [
    *("../evil", "a/../../evil", "/etc/evil", "a\\evil", "C:/evil", "C:evil", "a:stream"),
    *("a\u202egpj.exe", "a\u200b", "a\nb", "\uff0e\uff0e/evil", "a\uff0fb", "a\u2025/b"),
    *("a/b.", "a /b", "con", "LPT1.txt", "/".join("x" * 31), "y" * 300),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_not_plain_is_refused(refused: Callable[[bytes], str], name: str) -> None:
    for content in (zip_of({name: b"x"}), tar_of(entry(name))):
        assert ascii(name)[1:6] in refused(content) or "broken" in refused(content)


def test_a_name_with_a_null_is_refused(refused: Callable[[bytes], str]) -> None:
    assert "null" in refused(zip_of({"safe.txtQevil": b"x"}).replace(b"safe.txtQ", b"safe.txt\0"))


@pytest.mark.parametrize(
    "pair", [("a", "a"), ("Cat.txt", "cAT.txt"), ("caf\u00e9", "cafe\u0301"), ("a", "a/b")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_there_twice_is_refused(refused: Callable[[bytes], str], pair: tuple[str, str]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in pair:
            archive.writestr(name, b"x")
    assert "twice" in refused(content.getvalue())
    assert "twice" in refused(tar_of(*map(entry, pair)))


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_links_and_devices_of_a_tar_are_refused(refused: Callable[[bytes], str], kind: bytes) -> None:
    assert "link, a device" in refused(tar_of(entry("a"), entry("b", kind, "a")))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_of_a_zip_are_refused(refused: Callable[[bytes], str], kind: int) -> None:
    assert "link or a device" in refused(zip_of({"b": b"/etc/passwd"}, kind))


@pytest.mark.parametrize("packing", ["zip", "tar.gz"])
def test_a_bomb_is_refused(refused: Callable[[bytes], str], packing: str) -> None:
    zeros = bytes(32 * 2**20)
    content = zip_of({"a": zeros}) if packing == "zip" else tar_of(entry("a"), mode="w:gz", data=zeros)
    assert "bomb" in refused(content)


def test_entries_that_lie_over_each_other_are_refused(refused: Callable[[bytes], str]) -> None:
    content = bytearray(zip_of({"a": bytes(1000), "b": bytes(1000)}, packing=zipfile.ZIP_STORED))
    second = content.rfind(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 0)  # where its content begins
    assert "broken" in refused(bytes(content))


def test_more_bytes_or_entries_than_allowed_are_refused(
    refused: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "more than 20 entries" in refused(zip_of({f"{number}": b"" for number in range(21)}))
    assert "more than 20 entries" in refused(tar_of(*(entry(f"{number}") for number in range(21)), data=b""))
    monkeypatch.setattr(f"{__name__}.LIMITS", Limits(max_bytes=1000))
    assert "more than 1000 bytes" in refused(zip_of({"a": bytes(600), "b": bytes(600)}))
    assert "more than 1000 bytes" in refused(tar_of(entry("a"), data=bytes(3000)))


def test_a_header_that_would_fill_the_memory_is_refused(refused: Callable[[bytes], str]) -> None:
    huge = entry("a", tarfile.XHDTYPE)
    huge.size = 40 * 2**20
    assert "header" in refused(gzip.compress(huge.tobuf(tarfile.USTAR_FORMAT) + bytes(huge.size + 512)))


def test_a_sparse_file_is_refused(refused: Callable[[bytes], str]) -> None:
    made = entry("a")
    made.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "99999999"}
    assert "sparse" in refused(tar_of(made, data=b"1\n0\n1\n" + bytes(600)))


@pytest.mark.parametrize("size", [(9000, 9000), (20000, 20000)])
def test_a_picture_of_too_many_pixels_is_refused(
    refused: Callable[[bytes], str], size: tuple[int, int]
) -> None:
    picture = io.BytesIO()
    Image.new("1", (8, 8)).save(picture, "PNG")
    content = bytearray(picture.getvalue())
    content[16:24] = struct.pack(">II", *size)  # its header alone says so, and a checksum
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    assert "pixels" in refused(zip_of({"a.png": bytes(content)}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        b"PK\x03\x04 cut",
        zip_of(FILES)[:-30],
        gzip.compress(b"no tar", mtime=0),
        zip_of({}),
    ],
    ids=["empty", "text", "a head alone", "cut", "packed text", "nothing in it"],
)
def test_what_is_no_whole_archive_is_refused(refused: Callable[[bytes], str], content: bytes) -> None:
    assert refused(content)


def test_a_cut_or_changed_archive_is_refused(refused: Callable[[bytes], str]) -> None:
    whole = tar_of(entry("a"), mode="w:gz", data=bytes(range(256)) * 50)
    assert "broken" in refused(whole[:-100])
    changed = bytearray(zip_of({"a": b"abcdefgh" * 40}, packing=zipfile.ZIP_STORED))
    changed[60] ^= 1
    assert "broken" in refused(bytes(changed))


def test_an_encrypted_archive_is_refused(refused: Callable[[bytes], str]) -> None:
    content = bytearray(zip_of({"a": b"x"}))
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(bytes(content))
