"""Where the images and boxes are."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails

from frs_core.spec.base import Spec

UPLOADED = "upload:"
"""How the root of a data set begins that was sent to the service: then comes the version's id."""

RESOLVED_FIELDS = ("format", "root", "train", "val", "test", "options", "version")
"""What a registered version says, so that nobody has to."""

_DATASET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_REGISTERED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}(@[1-9][0-9]{0,8})?")


def _check_dataset_name(value: str) -> str:
    if not _DATASET_NAME.fullmatch(value):
        raise ValueError("use letters, digits and . _ - only, starting with a letter or digit; 80 at most")
    return value


DatasetName = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_check_dataset_name)]
"""What a registered data set is called."""


class DatasetVersion(Spec):
    """The version of a registered data set that a submission was resolved to. The service writes it."""

    id: str = Field(max_length=32)
    sha256: str = Field(min_length=64, max_length=64)


class DatasetSpec(Spec):
    """One data set with its splits.

    `format` names a file in `frs_core/datasets`; what `root`, `train`, `val` and `test` mean is the
    format's affair (for VOC: a folder and names in ImageSets/Main). Or `registered` alone names a version
    that the service knows, `cells@2`, or the newest, `cells`: then the service fills in the rest.

    `max_images` is for trying out: what was measured on a part of a split is no result, and is marked so.
    """

    registered: str | None = Field(
        default=None, max_length=100, description="`NAME@VERSION` of a registered data set, or its `NAME`"
    )
    format: str = ""
    root: str = Field(default="", max_length=4096)
    train: str = Field(default="train", min_length=1, max_length=1024)
    val: str = Field(default="val", min_length=1, max_length=1024)
    test: str | None = Field(default=None, min_length=1, max_length=1024)
    options: dict[str, Any] = Field(default_factory=dict)
    max_images: int | None = Field(
        default=None, ge=1, description="Of each split at most so many, evenly chosen; all where left out"
    )
    version: DatasetVersion | None = None

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        from frs_core import datasets

        if value and value not in datasets.names():
            raise ValueError(f"unknown data set format {value!r}; known: {', '.join(datasets.names())}")
        return value

    @field_validator("root")
    @classmethod
    def _no_null_byte(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("a path cannot hold a null byte")
        return value

    @field_validator("registered")
    @classmethod
    def _reference(cls, value: str | None) -> str | None:
        if value is not None and not _REGISTERED.fullmatch(value):
            raise ValueError("give NAME@VERSION, for instance cells@2, or the NAME of a registered data set")
        return value

    @model_validator(mode="after")
    def _options_fit(self) -> "DatasetSpec":
        from frs_core import datasets
        from frs_core.spec.faults import validate_options

        if self.format:
            validate_options(datasets.get(self.format).options_type, self.options)
        elif self.registered is None:
            missing = InitErrorDetails(type="missing", loc=("format",), input=None)
            raise ValidationError.from_exception_data("DatasetSpec", [missing])
        return self

    @model_serializer(mode="wrap")
    def _only_what_is_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what most data sets do not have: their hash stays what it was before that was known."""
        plain: dict[str, Any] = handler(self)
        rare = ("registered", "version", "max_images")
        return {key: plain[key] for key in plain if key not in rare or plain[key]}

    @property
    def is_resolved(self) -> bool:
        """Whether it says all that is needed to read it."""
        return bool(self.format)

    @property
    def uploaded_id(self) -> str | None:
        """The id of the version whose archive is in the service's store; None for a folder."""
        return self.root.removeprefix(UPLOADED) if self.root.startswith(UPLOADED) else None

    def at(self, root: str) -> "DatasetSpec":
        """The same in another folder."""
        return self.model_copy(update={"root": root})


def as_written(dataset: dict[str, Any]) -> dict[str, Any]:
    """A data set as a person writes it: of a registered one its name, and not what that was resolved to.

    >>> as_written({"format": "voc", "root": "/data/cells", "registered": "cells@1"})
    {'registered': 'cells@1'}
    """
    if not dataset.get("registered"):
        return dataset
    return {key: value for key, value in dataset.items() if key not in RESOLVED_FIELDS}
