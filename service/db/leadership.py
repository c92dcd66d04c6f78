"""Which of several processes does what one is enough for.

Nothing is wrong while two do it, or none for a moment: whatever is led must bear both.
"""

import fcntl
from contextlib import suppress
from typing import IO, Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

KEEPER_LOCK = 7_301_846_114
_NOTICE_DEAD_HOSTS = (
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)


class Leadership:
    """Held by one process of all that use a database, and free as soon as that is dead.

    On PostgreSQL it is an advisory lock of a connection's, for which the server looks whether the host is
    still there; on SQLite the kernel's lock on a file beside the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._file: IO[Any] | None = None
        self.is_held = False

    def renew(self) -> bool:
        """Take it if it is free, and see whether it is still held. Raises DBAPIError; it is not held then."""
        self.is_held, was_held = False, self.is_held
        if self._engine.dialect.name == "postgresql":
            self.is_held = self._renew_connection(was_held=was_held)
        else:
            self.is_held = was_held or self._lock_file()
        return self.is_held

    def give_up(self) -> None:
        """Let another one have it at once."""
        self.is_held = False
        if self._connection is not None:
            with suppress(DBAPIError):  # a connection that is gone holds nothing
                self._connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
            self._connection.invalidate()  # a pooled connection would keep the lock
            self._connection.close()
            self._connection = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _renew_connection(self, *, was_held: bool) -> bool:
        try:
            if self._connection is None:
                autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
                self._connection = autocommit.connect()
                self._connection.exec_driver_sql(_NOTICE_DEAD_HOSTS)
            if was_held:
                self._connection.exec_driver_sql("SELECT 1")
                return True
            taken = text("SELECT pg_try_advisory_lock(:key)")
            return bool(self._connection.scalar(taken, {"key": KEEPER_LOCK}))
        except DBAPIError:
            self.give_up()
            raise

    def _lock_file(self) -> bool:
        if self._file is None:
            self._file = open(f"{self._engine.url.database}-keeper", "a")  # noqa: PTH123, SIM115
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
