"""Whole tables as JSON rows that both databases can give and take: what a backup is made of.

Tables are read from the database itself, not from the models, so that one of any revision can be handled.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    Select,
    Table,
    event,
    func,
    insert,
    select,
    text,
)

from service.db.states import DatasetState

ROWS_AT_ONCE = 1000
FILE_COLUMNS: Mapping[str, tuple[str, str, str]] = {
    "artifacts": ("uri", "sha256", "size_bytes"),
    "checkpoints": ("uri", "sha256", "size_bytes"),
    "dataset_versions": ("archive_uri", "archive_sha256", "archive_bytes"),
}
"""By table, the columns that name a file of the artifact store, its hash and its size."""
EVENT_GAP = 1_000_000
"""Events of a restored database go on so far behind its last one that no reader has seen the number."""

Row = list[Any]


def tables(connection: Connection) -> list[Table]:
    """All but Alembic's own, each behind those that it refers to."""
    metadata = MetaData()
    event.listen(metadata, "column_reflect", _null_is_sql_null)
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def num_rows(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def uri_column(table: Table) -> Column[Any] | None:
    """Where a table has the addresses of stored files; None where it names none."""
    return table.columns[FILE_COLUMNS[table.name][0]] if table.name in FILE_COLUMNS else None


def named_files(table: Table) -> Select[tuple[str, str, int]] | None:
    """Asks for `uri`, `sha256` and `size_bytes` of the files that should be there; None where none is named.

    Archives are left out that were removed on purpose, since what was in them has no number of its own.
    """
    if table.name not in FILE_COLUMNS:
        return None
    uri, sha256, size_bytes = (table.columns[name] for name in FILE_COLUMNS[table.name])
    labelled = uri.label("uri"), sha256.label("sha256"), size_bytes.label("size_bytes")
    return select(*labelled).where(uri.is_not(None), *_not_removed(table))


def read_rows(connection: Connection, table: Table) -> Iterator[Row]:
    """The rows of a table, their values as JSON can hold them, in the order of its columns."""
    streaming = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    for row in streaming.execute(select(table).order_by(*table.primary_key.columns)):
        yield [_encoded(value) for value in row]


def write_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert what `read_rows` gave, and let numbers that the database deals out go on behind it."""
    into = [table.columns[name] for name in columns]
    given = (
        {column.name: _decoded(value, column) for column, value in zip(into, row, strict=True)}
        for row in rows
    )
    rest = _referring_last(table, given)
    while batch := list(islice(rest, ROWS_AT_ONCE)):
        connection.execute(insert(table), batch)
    _continue_numbering(connection, table)


def _referring_last(table: Table, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those behind that refer to another of their table, which none does that is itself referred to."""
    names = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    referring = []
    for row in rows:
        if any(row[name] is not None for name in names):
            referring.append(row)
        else:
            yield row
    yield from referring


def _not_removed(table: Table) -> list[ColumnElement[bool]]:
    if table.name != "dataset_versions":
        return []
    return [table.c.state != DatasetState.FAILED.value, table.c.same_as_id.is_(None)]


def _null_is_sql_null(_inspector: Any, _table: Any, column: dict[str, Any]) -> None:
    if isinstance(column["type"], JSON):
        column["type"] = JSON(none_as_null=True)


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, bytes | memoryview):
        return b64encode(value).decode()
    return value


def _decoded(value: Any, column: Column[Any]) -> Any:
    if value is None:
        return None
    if isinstance(column.type, DateTime):
        moment = datetime.fromisoformat(value)
        return moment if getattr(column.type, "timezone", False) else moment.replace(tzinfo=None)
    if isinstance(column.type, LargeBinary):
        return b64decode(value)
    return value


def _continue_numbering(connection: Connection, table: Table) -> None:
    keys = list(table.primary_key.columns)
    if len(keys) != 1 or keys[0].type.python_type is not int:
        return
    last = connection.scalar(select(func.max(keys[0])))
    if last is None:
        return
    last += EVENT_GAP if table.name == "events" else 0
    if connection.dialect.name == "postgresql":
        statement = "SELECT setval(pg_get_serial_sequence(:table, :key), :last)"
        connection.execute(text(statement), {"table": table.name, "key": keys[0].name, "last": last})
    elif connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'")):
        statement = "UPDATE sqlite_sequence SET seq = :last WHERE name = :table"
        connection.execute(text(statement), {"table": table.name, "last": last})
