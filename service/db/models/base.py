"""What all tables share: how constraints are named, and which column stands for which type."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Integer,
    MetaData,
    String,
)
from sqlalchemy.orm import DeclarativeBase

from service.access.roles import Role
from service.db.states import AttemptState, DatasetState, DesiredState, JobState
from service.db.types import ID_LENGTH, UtcDateTime, named_values

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Id = String(ID_LENGTH)
RowId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Root of all models."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        Role: named_values(Role),
        JobState: named_values(JobState),
        DesiredState: named_values(DesiredState),
        DatasetState: named_values(DatasetState),
        AttemptState: named_values(AttemptState),
    }
