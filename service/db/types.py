"""Column types that mean the same on SQLite and PostgreSQL, and the public ids."""

import secrets
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import DateTime, Dialect, Enum, Text, TypeDecorator

ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_LENGTH = 16


def new_id() -> str:
    """A random public id of 80 bits; a short prefix of it is nearly always unique."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def is_id(text: str) -> bool:
    """Whether the text has the form of a public id."""
    return len(text) == ID_LENGTH and set(text) <= set(ID_ALPHABET)


def utc_now() -> datetime:
    """Now, with its time zone."""
    return datetime.now(UTC)


def named_values(states: type[StrEnum]) -> Enum:
    """A column that stores an enum's values as plain text and gives the enum back."""
    return Enum(
        states,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda members: [member.value for member in members],
        validate_strings=True,
    )


class UtcDateTime(TypeDecorator[datetime]):
    """A moment; stored in UTC, always given back with its time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse moments without a zone; store UTC."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a moment without a time zone"
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PrintedText(TypeDecorator[str]):
    """Text that a program printed. PostgreSQL cannot hold the character NUL: it becomes U+FFFD on both."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Replace what one of the databases would refuse."""
        return value if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")
