"""Which distillation methods, with which options."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator, model_validator

from frs_core import methods
from frs_core.spec.base import Name, Spec
from frs_core.spec.faults import fault, relocated, validate_options

Weight = Annotated[
    float, Field(gt=0, le=1e6, description="Multiplies every term, besides the weights among its options")
]


class MethodPart(Spec):
    """One method by the name of its folder in `frs_core/methods`.

    Options left out take the method's defaults for the student's family (`resolve`).
    """

    name: str
    weight: Weight = 1.0
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _known_method(cls, value: str) -> str:
        if value not in methods.names():
            raise ValueError(f"unknown method {value!r}; known: {', '.join(methods.names())}")
        return value

    @model_validator(mode="after")
    def _options_fit(self) -> "MethodPart":
        validate_options(methods.get(self.name).options_type, self.options)
        return self

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


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Part = Annotated[MethodPart, BeforeValidator(_named)]


class MethodSpec(Spec):
    """A row of the comparison: one method by its name, or several in `combine`, whose terms are added."""

    name: str
    label: Name | None = None
    init: Literal["scratch", "inherit"] = Field(
        default="scratch", description="inherit: neck and heads start as the teacher's, where shapes agree"
    )
    weight: Weight = 1.0
    options: dict[str, Any] = Field(default_factory=dict)
    combine: tuple[Part, ...] = Field(default=(), max_length=4)

    @model_validator(mode="before")
    @classmethod
    def _name_of_the_combined(cls, data: Any) -> Any:
        """Combined methods are called by all their names, as in frs+ld."""
        combine = data.get("combine") if isinstance(data, dict) else None
        if not isinstance(combine, list | tuple) or not combine or data.get("name") is not None:
            return data
        parts = [_named(part) for part in combine]
        names = [part.get("name") if isinstance(part, dict) else getattr(part, "name", "") for part in parts]
        return {**data, "name": "+".join(map(str, names))}

    @model_validator(mode="after")
    def _parts_fit(self) -> "MethodSpec":
        names = [part.name for part in self.combine]
        if not names:
            try:
                MethodPart(name=self.name, options=self.options)
            except ValidationError as error:
                raise relocated(error, "") from error
            return self
        if self.name != "+".join(names):
            raise fault("name", self.name, f"leave `name` out beside `combine`; its row is {'+'.join(names)}")
        if self.options:
            raise fault("options", self.options, "give each of the combined methods its own options")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if len(names) < 2 or repeated or "none" in names:
            reason = f"{repeated[0]} is named twice" if repeated else f"there is {', '.join(names)}"
            raise fault("combine", names, f"combine two or more different methods that have terms; {reason}")
        return self

    @property
    def display_label(self) -> str:
        """What tables call this row."""
        return self.label or self.name

    @property
    def parts(self) -> tuple[MethodPart, ...]:
        """The methods whose terms are added, each with the weight that its terms have in the sum."""
        own = self.combine or (MethodPart(name=self.name, options=self.options),)
        return tuple(part.model_copy(update={"weight": part.weight * self.weight}) for part in own)

    @property
    def requires(self) -> frozenset[methods.Signal]:
        """The signals these methods read."""
        return frozenset[methods.Signal]().union(*(part.requires for part in self.parts))

    @property
    def compares(self) -> frozenset[methods.Signal]:
        """The signals of which the student's are held against the teacher's."""
        return frozenset[methods.Signal]().union(*(part.compares for part in self.parts))
