"""Which distillation method, with which options."""

from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from frs_core import methods
from frs_core.spec.base import Name, Spec
from frs_core.spec.faults import validate_options


class MethodSpec(Spec):
    """A method by the name of its folder in `frs_core/methods`.

    Options left out take the method's defaults for the student's family (`resolve`).
    """

    name: str
    label: Name | None = None
    init: Literal["scratch", "inherit"] = Field(
        default="scratch", description="inherit: neck and heads start as the teacher's, where shapes agree"
    )
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _known_method(cls, value: str) -> str:
        if value not in methods.names():
            raise ValueError(f"unknown method {value!r}; known: {', '.join(methods.names())}")
        return value

    @model_validator(mode="after")
    def _options_fit(self) -> "MethodSpec":
        validate_options(methods.get(self.name).options_type, self.options)
        return self

    @property
    def display_label(self) -> str:
        """What tables call this row."""
        return self.label or self.name

    def resolve(self, family: str) -> BaseModel:
        """All options, the family's defaults filled in; ValueError where the source gives none."""
        return methods.get(self.name).resolve(self.options, family)

    @property
    def requires(self) -> frozenset[methods.Signal]:
        """The signals this method reads."""
        info = methods.get(self.name)
        return info.needs(info.options_type.model_validate(self.options))

    @property
    def compares(self) -> frozenset[methods.Signal]:
        """The signals of which the student's are held against the teacher's."""
        info = methods.get(self.name)
        return info.compares(info.options_type.model_validate(self.options))
