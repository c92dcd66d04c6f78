"""Writes a backup: one state of the whole database, and which files it names, while everything goes on."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, Engine, Select, Table, make_url
from sqlalchemy.exc import SQLAlchemyError

from service.artifacts import ArtifactError, ArtifactStore, HashMismatchError, InvalidKeyError, open_store
from service.db import dump
from service.db.engine import create_engine, current_revision, snapshot
from service.db.types import new_id
from service.operate.archive import (
    FILES,
    Archive,
    BackupError,
    Manifest,
    Part,
    StoredFile,
    Writer,
    table_name,
)
from service.settings import Settings

Say = Callable[[str], None]
IDS_AT_ONCE = 500


def back_up(settings: Settings, target: Path, *, with_contents: bool, say: Say) -> tuple[Path, Manifest]:
    """Write a backup to a file, or under a name of its own to a folder, and read it again.

    `missing` in its manifest names files that a row still names and the store does not have as recorded.
    Raises BackupError.
    """
    path = target / f"frs-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup" if target.is_dir() else target
    if path.exists():
        raise BackupError(f"{path} is there already: name another file, or a folder")
    if not path.parent.is_dir():
        raise BackupError(f"there is no folder {path.parent}: make it, or name another")
    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise BackupError(f"there is no database {url.database}: name its data folder with --data-dir")
    engine, store = create_engine(url), open_store(settings.resolved_artifacts_url)
    try:
        with reported(), Writer(path) as writer:
            manifest = _write(writer, engine, store, with_contents=with_contents, say=say)
    finally:
        engine.dispose()
    say("reading it again")
    verify(path)
    return path, manifest


def verify(path: Path) -> Manifest:
    """What a backup holds, once all of it was read and found as it was written. Raises BackupError."""
    with Archive(path) as archive:
        faults = list(archive.faults())
        if faults:
            raise BackupError(f"{path} cannot be used: {'; '.join(faults[:5])}")
        return archive.manifest


@contextmanager
def reported() -> Iterator[None]:
    """Makes a database, a store or a disk that fails an error of the command's."""
    try:
        yield
    except SQLAlchemyError as error:
        raise BackupError(f"the database failed: {getattr(error, 'orig', None) or error}") from error
    except (ArtifactError, OSError) as error:
        raise BackupError(f"the files failed: {error}") from error


def _write(
    writer: Writer, engine: Engine, store: ArtifactStore, *, with_contents: bool, say: Say
) -> Manifest:
    with snapshot(engine) as connection:
        revision = current_revision(connection)
        if revision is None:
            raise BackupError(
                f"the database {engine.url.render_as_string()} has no schema: nothing to back up"
            )
        tables = dump.tables(connection)
        parts = {table.name: _write_table(writer, connection, table, say) for table in tables}
        files = _files(connection, tables)
    with tempfile.TemporaryDirectory() as folder:
        copy = (writer, Path(folder) / "file") if with_contents else None
        absent = [file for file in _told(files, say) if not _is_there(store, file, copy)]
    listed = writer.add_lines(FILES, (file.model_dump() for file in files))
    manifest = Manifest(
        id=new_id(),
        created_at=datetime.now(UTC).isoformat(),
        version=version("frs-distill"),
        database=engine.dialect.name,
        schema_revision=revision,
        tables=parts,
        files=listed,
        num_bytes=sum(file.size_bytes for file in files),
        has_contents=with_contents,
        missing=tuple(file.uri for file in absent),
    )
    writer.finish(manifest)
    still_named = _still_named(engine, tables, [file.uri for file in absent])
    return manifest.model_copy(update={"missing": tuple(still_named)})


def _write_table(writer: Writer, connection: Connection, table: Table, say: Say) -> Part:
    rows = dump.read_rows(connection, table)
    part = writer.add_lines(table_name(table.name), rows, [column.name for column in table.columns])
    if part.num_lines:
        say(f"{table.name}: {part.num_lines} rows")
    return part


def _files(connection: Connection, tables: Sequence[Table]) -> list[StoredFile]:
    """Each file once, however many rows name it."""
    found: dict[str, StoredFile] = {}
    for statement in _named_files(tables):
        for row in connection.execute(statement):
            found[row.uri] = StoredFile(uri=row.uri, sha256=row.sha256, size_bytes=row.size_bytes)
    return list(found.values())


def _is_there(store: ArtifactStore, file: StoredFile, copy: tuple[Writer, Path] | None) -> bool:
    """Whether the store has a file of that size; with `copy`, of that content, which goes into the backup."""
    try:
        if copy is None:
            return store.size(file.uri) == file.size_bytes
        writer, path = copy
        store.fetch(file.uri, path, file.sha256)
    except (HashMismatchError, InvalidKeyError, LookupError):
        return False
    writer.add_file(file.sha256, path)
    return True


def _told(files: Sequence[StoredFile], say: Say) -> Iterator[StoredFile]:
    for number, file in enumerate(files):
        if number % 100 == 0:
            say(f"stored files: {number} of {len(files)}")
        yield file


def _still_named(engine: Engine, tables: Sequence[Table], uris: Sequence[str]) -> list[str]:
    """Those that were not merely superseded since the snapshot, as old states are by newer ones."""
    named: set[str] = set()
    with snapshot(engine) as connection:
        for statement in _named_files(tables):
            for start in range(0, len(uris), IDS_AT_ONCE):
                part = uris[start : start + IDS_AT_ONCE]
                is_asked = statement.selected_columns.uri.in_(part)
                named.update(connection.scalars(statement.where(is_asked)))
    return [uri for uri in uris if uri in named]


def _named_files(tables: Sequence[Table]) -> list[Select[tuple[str, str, int]]]:
    return [files for table in tables if (files := dump.named_files(table)) is not None]
