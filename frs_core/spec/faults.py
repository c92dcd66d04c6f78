"""Faults of a specification that name the field they are found in, wherever they are found."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

OptionsT = TypeVar("OptionsT", bound=BaseModel)


def fault(field: str, value: Any, message: str) -> ValidationError:
    """An error located at `field` (dotted, relative to the model that raises it)."""
    return ValidationError.from_exception_data("specification", [_details(_location(field), value, message)])


def validate_options(options_type: type[OptionsT], options: Mapping[str, Any]) -> OptionsT:
    """The typed options of a plug-in, or a ValidationError located under `options`."""
    try:
        return options_type.model_validate(dict(options))
    except ValidationError as error:
        raise ValidationError.from_exception_data(
            error.title,
            [_details(("options", *each["loc"]), each["input"], each["msg"]) for each in error.errors()],
        ) from error


def _location(field: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in field.split("."))


def _details(location: tuple[str | int, ...], value: Any, message: str) -> InitErrorDetails:
    return InitErrorDetails(
        type=PydanticCustomError("specification", "{reason}", {"reason": message}), loc=location, input=value
    )
