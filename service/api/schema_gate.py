"""Lets requests through only where the database has this version's schema."""

from sqlalchemy import Engine

from service.api.problems import ProblemError
from service.db.engine import SchemaMismatchError, check_schema


class SchemaGate:
    """Looks until it has found the schema once: an upgrade under a running server only adds to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_open = False

    def check(self) -> None:
        """Raises ProblemError (503), which names the remedy, where migrations are pending."""
        if self._is_open:
            return
        try:
            check_schema(self._engine)
        except SchemaMismatchError as error:
            raise ProblemError(503, "other-schema", str(error)) from error
        self._is_open = True
