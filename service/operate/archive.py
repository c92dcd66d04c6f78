"""The file that a backup is: a zip of rows, the list of stored files, perhaps the files, and a manifest.

manifest.json       what is in it, with the SHA-256 of each part
tables/NAME.jsonl   the rows of a table, one JSON array a line
files.jsonl         each stored file that a row names: uri, sha256, size_bytes
files/SHA256        its content, where it was asked for
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from service.operate.errors import OperateError

FORMAT = 1
CHUNK_BYTES = 1 << 20


class BackupError(OperateError):
    """The file is no backup, is damaged, or cannot be used here."""


class StoredFile(BaseModel):
    """A file of the artifact store, as a row names it."""

    model_config = ConfigDict(frozen=True)

    uri: str
    sha256: str
    size_bytes: int


class Part(BaseModel):
    """Lines of a backup. `columns` are those of a table."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[str, ...] = ()
    num_lines: int
    sha256: str


class Manifest(BaseModel):
    """What a backup holds. `missing` are the URIs of files that were not in the store, or not as recorded."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    id: str
    created_at: str
    version: str
    database: str
    schema_revision: str
    tables: dict[str, Part]
    files: Part
    num_bytes: int
    has_contents: bool
    missing: tuple[str, ...]


class Writer:
    """Writes a backup under a temporary name; `path` appears, synced, only with the manifest in it."""

    def __init__(self, path: Path) -> None:
        self._path, self._temporary = path, path.with_name(f".incoming-{path.name}")
        descriptor = os.open(self._temporary, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
        self._file = os.fdopen(descriptor, "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def add_lines(self, name: str, values: Iterable[Any], columns: Iterable[str] = ()) -> Part:
        """Write one JSON value a line."""
        digest, count = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as member:
            for value in values:
                line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
                digest.update(line.encode())
                member.write(line.encode())
                count += 1
        return Part(columns=tuple(columns), num_lines=count, sha256=digest.hexdigest())

    def add_file(self, sha256: str, path: Path) -> None:
        """Write a stored file's content, once."""
        name = content_name(sha256)
        if name not in self._zip.NameToInfo:
            self._zip.write(path, name, zipfile.ZIP_STORED)

    def finish(self, manifest: Manifest) -> None:
        """Make it a backup."""
        self._zip.writestr("manifest.json", manifest.model_dump_json(indent=2))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._temporary.rename(self._path)


class Archive:
    """A backup that can be read. Raises BackupError where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            self.manifest = Manifest.model_validate_json(self._zip.read("manifest.json"))
        except (zipfile.BadZipFile, KeyError, OSError, ValidationError) as error:
            raise BackupError(f"{path} is not a backup, or is cut short: {error}") from error
        if self.manifest.format != FORMAT:
            raise BackupError(f"{path} is of format {self.manifest.format}, this version reads {FORMAT}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def faults(self) -> Iterator[str]:
        """What is not as the manifest says, after reading everything."""
        manifest = self.manifest
        parts = {table_name(table): part.sha256 for table, part in manifest.tables.items()}
        damaged = [name for name, sha256 in (parts | {FILES: manifest.files.sha256}).items()
                   if self._digest(name) != sha256]  # fmt: skip
        if manifest.has_contents and FILES not in damaged:
            contents = {file.sha256 for file in self.files() if file.uri not in manifest.missing}
            damaged += [content_name(each) for each in sorted(contents)
                        if self._digest(content_name(each)) != each]  # fmt: skip
        yield from (f"{name} is damaged" for name in damaged)

    def rows(self, table: str) -> Iterator[list[Any]]:
        """The rows of a table."""
        yield from self._lines(table_name(table))

    def files(self) -> Iterator[StoredFile]:
        """The files that rows name."""
        yield from map(StoredFile.model_validate, self._lines(FILES))

    def extract(self, sha256: str, destination: Path) -> bool:
        """Write a stored file's content to a path; gives whether it is in the backup."""
        try:
            member = self._zip.open(content_name(sha256))
        except KeyError:
            return False
        with member, destination.open("wb") as file:
            while chunk := member.read(CHUNK_BYTES):
                file.write(chunk)
        return True

    def _lines(self, name: str) -> Iterator[Any]:
        with self._zip.open(name) as member:
            for line in member:
                yield json.loads(line)

    def _digest(self, name: str) -> str | None:
        digest = hashlib.sha256()
        try:
            with self._zip.open(name) as member:
                while chunk := member.read(CHUNK_BYTES):
                    digest.update(chunk)
        except (KeyError, zipfile.BadZipFile, EOFError, OSError, zlib.error):
            return None
        return digest.hexdigest()


FILES = "files.jsonl"


def table_name(table: str) -> str:
    """Of a table's rows in the archive."""
    return f"tables/{table}.jsonl"


def content_name(sha256: str) -> str:
    """Of a file's content in the archive."""
    return f"files/{sha256}"
