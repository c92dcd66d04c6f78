"""Makes a database, and where need be its files, of a backup; what ran then goes on from its newest state."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, Engine, Table, bindparam, delete, make_url, select, update
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from service.artifacts import ArtifactError, ArtifactStore, InvalidKeyError, open_store
from service.artifacts.base import CHUNK_BYTES, checked_key
from service.db import dump
from service.db.endings import void_leases
from service.db.engine import (
    create_engine,
    current_revision,
    is_known,
    migrations_config,
    session_factory,
    upgrade_within,
)
from service.db.leases import now
from service.db.models import Checkpoint, Event, Worker
from service.db.secrets import forget_installation
from service.jobs.ownership import take
from service.operate.archive import Archive, BackupError, StoredFile
from service.operate.backup import Say, reported, verify
from service.operate.folder import SystemFolder
from service.settings import Settings

RESTORED = "system.restored"
TOKEN_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came of it. `missing` are stored files that no store has; `dropped` are states among them.

    `was_there` says that this backup had been restored here before, and nothing was done.
    """

    num_rows: int = 0
    num_files: int = 0
    num_copied: int = 0
    requeued: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    was_there: bool = False


class NotEmptyError(BackupError):
    """The target holds what a restore would mix with."""


def restore(settings: Settings, path: Path, *, quick: bool, say: Say, take_store: bool = False) -> Restored:
    """Fill an empty database from a backup and bring it to this version's schema, all or nothing.

    It is another installation than the original, whose files in a store that both see it does not tidy up,
    unless `take_store` says that the original is gone.

    Each stored file is looked for in the artifact store, by its hash or, with `quick`, its size; where it is
    not and the backup has it, it is put there. Raises BackupError; NotEmptyError where the database has rows.
    """
    supervisor = SystemFolder(settings.data_dir).find_supervisor()
    if supervisor is not None:
        raise NotEmptyError(f"a system runs from {settings.data_dir}: stop it with `frs down`")
    say("checking the backup")
    manifest = verify(path)
    if not is_known(manifest.schema_revision):
        raise BackupError(
            f"{path} is of schema {manifest.schema_revision}, made by version {manifest.version}: "
            "restore it with that version or a later one"
        )
    engine, store = _engine(settings), open_store(settings.resolved_artifacts_url)
    try:
        with reported(), Archive(path) as archive, engine.connect() as connection:
            with connection.begin():
                was_there = _was_restored(connection, manifest.id)
                if not was_there:
                    _require_empty(connection)
            done = Restored(was_there=True)
            if not was_there:
                files = _Files(archive, store, quick=quick)
                files.bring(say)
                with connection.begin():
                    done = _fill(connection, archive, files, say)
            if take_store:
                take(session_factory(engine), store)
            return done
    finally:
        engine.dispose()


class _Files:
    """The stored files of a backup: which are where, once `bring` was called."""

    def __init__(self, archive: Archive, store: ArtifactStore, *, quick: bool) -> None:
        self._archive, self._store, self._quick = archive, store, quick
        self.missing: list[str] = []
        self.moved: dict[str, str] = {}
        self.num_files = self.num_copied = 0

    def bring(self, say: Say) -> None:
        """Look for each file, and put what is not there and is in the backup."""
        with tempfile.TemporaryDirectory() as folder:
            for file in self._archive.files():
                if self.num_files % 100 == 0:
                    say(f"stored files: {self.num_files}")
                self.num_files += 1
                if not self._is_there(file) and not self._put(file, Path(folder) / "file"):
                    self.missing.append(file.uri)

    def _is_there(self, file: StoredFile) -> bool:
        try:
            if self._store.size(file.uri) != file.size_bytes:
                return False
            return self._quick or self._digest(file.uri) == file.sha256
        except ArtifactError:
            return False

    def _digest(self, uri: str) -> str:
        digest = hashlib.sha256()
        with self._store.open(uri) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def _put(self, file: StoredFile, temporary: Path) -> bool:
        if not self._archive.extract(file.sha256, temporary):
            return False
        uri = self._store.put(temporary, _key(file), file.sha256)
        self.num_copied += 1
        if uri != file.uri:
            self.moved[file.uri] = uri
        return True


def _key(file: StoredFile) -> str:
    """That under which it was stored; one of its own where the other store's addresses have another form."""
    try:
        return checked_key(file.uri.partition(":")[2])
    except InvalidKeyError:
        return f"restored/{file.sha256[:2]}/{file.sha256}"


def _engine(settings: Settings) -> Engine:
    return create_engine(make_url(settings.resolved_database_url), foreign_keys=False)


def _was_restored(connection: Connection, backup_id: str) -> bool:
    if current_revision(connection) is None:
        return False
    events = next((table for table in dump.tables(connection) if table.name == "events"), None)
    if events is None:
        return False
    told = connection.execute(events.select().where(events.c.kind == RESTORED)).mappings()
    return any((row["data"] or {}).get("backup") == backup_id for row in told)


def _require_empty(connection: Connection) -> None:
    for table in dump.tables(connection):
        count = dump.num_rows(connection, table)
        if count:
            raise NotEmptyError(
                f"the database {connection.engine.url.render_as_string()} is not empty: {table.name} has "
                f"{count} rows. Restore into a new one: another FRS_DATABASE_URL or --data-dir"
            )


def _fill(connection: Connection, archive: Archive, files: _Files, say: Say) -> Restored:
    manifest = archive.manifest
    _set_schema(connection, manifest.schema_revision)
    num_rows = 0
    for table in dump.tables(connection):
        part = manifest.tables[table.name]
        dump.write_rows(connection, table, part.columns, archive.rows(table.name))
        num_rows += part.num_lines
        if part.num_lines:
            say(f"{table.name}: {part.num_lines} rows")
    say("bringing it to this version's schema")
    upgrade_within(connection)
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        dropped = _mend_files(session, files.missing, files.moved)
        requeued = _begin_anew(session, manifest.id)
        session.commit()
    return Restored(
        num_rows=num_rows,
        num_files=files.num_files,
        num_copied=files.num_copied,
        requeued=tuple(requeued),
        missing=tuple(uri for uri in files.missing if uri not in dropped),
        dropped=tuple(sorted(dropped)),
    )


def _set_schema(connection: Connection, revision: str) -> None:
    """Give an empty database the tables that the backup's had."""
    found = current_revision(connection)
    if found not in (None, revision):
        config = migrations_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    if found != revision:
        upgrade_within(connection, revision)


def _mend_files(session: Session, missing: list[str], moved: Mapping[str, str]) -> set[str]:
    """Name files where they are now, and forget states that are gone: their jobs go on from older ones."""
    for table in dump.tables(session.connection()) if moved else ():
        _name_anew(session.connection(), table, moved)
    dropped: set[str] = set()
    for uri in missing:
        gone = delete(Checkpoint).where(Checkpoint.uri == uri, Checkpoint.kind == CheckpointKind.STATE.value)
        dropped.update(session.scalars(gone.returning(Checkpoint.uri)))
    return dropped


def _name_anew(connection: Connection, table: Table, moved: Mapping[str, str]) -> None:
    uri = dump.uri_column(table)
    if uri is None:
        return
    rows = connection.execute(select(table.c.id, uri.label("uri"))).all()
    if changes := [{"row": row.id, "new": moved[row.uri]} for row in rows if row.uri in moved]:
        here = table.c.id == bindparam("row")
        connection.execute(update(table).where(here).values({uri: bindparam("new")}), changes)


def _begin_anew(session: Session, backup_id: str) -> list[str]:
    """Void what the workers of the original hold; returns the jobs that they had."""
    minutes = int((datetime.now(UTC) - TOKEN_EPOCH).total_seconds() // 60)
    requeued = void_leases(session, token_floor=minutes)
    session.execute(update(Worker).where(Worker.state == "online").values(state="offline"))
    forget_installation(session)
    message = f"the database was restored from backup {backup_id}; {len(requeued)} jobs were queued again"
    session.add(Event(kind=RESTORED, message=message, data={"backup": backup_id}, created_at=now(session)))
    session.flush()
    return requeued
