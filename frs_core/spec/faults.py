"""Faults of a specification that name the field they are found in, wherever they are found."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler
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
        raise relocated(error, "options") from error


def relocated(error: ValidationError, field: str) -> ValidationError:
    """The same faults, located under `field` (dotted; nothing: where they are)."""
    place = _location(field) if field else ()
    return ValidationError.from_exception_data(
        error.title, [_details((*place, *each["loc"]), each["input"], each["msg"]) for each in error.errors()]
    )


def name_the_choice(tag: str, *choices: str) -> Callable[[Any, ValidatorFunctionWrapHandler], Any]:
    """A validator around a union told apart by `tag`: its faults name the fields that a user wrote.

    pydantic would put the choice into every location, and speak of tags where it is missing.
    """

    def validate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            details = []
            for each in error.errors():
                if each["type"].startswith("union_tag"):
                    message = f"give one of {', '.join(choices)}"
                    details.append(
                        _details((tag,), value.get(tag) if isinstance(value, dict) else None, message)
                    )
                else:
                    details.append(_details(each["loc"][1:], each["input"], each["msg"]))
            raise ValidationError.from_exception_data(error.title, details) from error

    return validate


def _location(field: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in field.split("."))


def _details(location: tuple[str | int, ...], value: Any, message: str) -> InitErrorDetails:
    return InitErrorDetails(
        type=PydanticCustomError("specification", "{reason}", {"reason": message}), loc=location, input=value
    )
