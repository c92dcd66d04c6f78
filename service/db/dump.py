"""Whole tables as JSON rows that both databases can give and take: what a backup is made of.

Tables are read from the database itself, not from the models, so that one of any revision can be handled.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    event,
    func,
    insert,
    select,
    text,
)

ROWS_AT_ONCE = 1000
FILE_COLUMNS = frozenset({"uri", "sha256", "size_bytes"})
"""A table that has these names files of the artifact store."""
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


def read_rows(connection: Connection, table: Table) -> Iterator[Row]:
    """The rows of a table, their values as JSON can hold them, in the order of its columns."""
    streaming = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    for row in streaming.execute(select(table).order_by(*table.primary_key.columns)):
        yield [_encoded(value) for value in row]


def write_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert what `read_rows` gave, and let numbers that the database deals out go on behind it."""
    into = [table.columns[name] for name in columns]
    rest = iter(rows)
    while batch := list(islice(rest, ROWS_AT_ONCE)):
        values = [
            {column.name: _decoded(value, column) for column, value in zip(into, row, strict=True)}
            for row in batch
        ]
        connection.execute(insert(table), values)
    _continue_numbering(connection, table)


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
