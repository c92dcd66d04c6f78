"""Validates the options of a plug-in as a part of the specification that names it."""

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

OptionsT = TypeVar("OptionsT", bound=BaseModel)


def validate_options(options_type: type[OptionsT], options: Mapping[str, Any], *field: str) -> OptionsT:
    """The typed options, or a ValidationError whose locations start with `field`."""
    try:
        return options_type.model_validate(dict(options))
    except ValidationError as error:
        _relocate(error, field)


def _relocate(error: ValidationError, field: tuple[str, ...]) -> NoReturn:
    details = [
        InitErrorDetails(
            type=PydanticCustomError("options", "{reason}", {"reason": fault["msg"]}),
            loc=(*field, *fault["loc"]),
            input=fault["input"],
        )
        for fault in error.errors()
    ]
    raise ValidationError.from_exception_data(error.title, details) from error
