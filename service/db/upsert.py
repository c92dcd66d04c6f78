"""Inserts rows that may be there already, on both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

ROWS_PER_STATEMENT = 1000
"""Keeps a statement's parameters far below SQLite's 32,766 and PostgreSQL's 65,535."""


def upsert(
    session: Session,
    table: type[DeclarativeBase],
    rows: Sequence[dict[str, Any]],
    *,
    key: Sequence[str],
    update: Sequence[str] = (),
) -> None:
    """Insert rows; where one with the same `key` exists, set its columns `update`, or leave it as it is."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        statement = insert(table).values(list(rows[start : start + ROWS_PER_STATEMENT]))
        session.execute(_on_conflict(statement, key, update))


def _on_conflict(
    statement: postgresql.Insert | sqlite.Insert, key: Sequence[str], update: Sequence[str]
) -> Insert:
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(key))
    values = {name: statement.excluded[name] for name in update}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)
