"""Where the images and boxes are."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from frs_core.spec.base import Spec


class DatasetSpec(Spec):
    """One data set with its splits.

    `format` names a file in `frs_core/datasets`; what `root`, `train`, `val` and `test` mean is the
    format's affair (for VOC: a folder and names in ImageSets/Main).
    """

    format: str
    root: str = Field(default="", max_length=4096)
    train: str = Field(default="train", min_length=1, max_length=1024)
    val: str = Field(default="val", min_length=1, max_length=1024)
    test: str | None = Field(default=None, min_length=1, max_length=1024)
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        from frs_core import datasets

        if value not in datasets.names():
            raise ValueError(f"unknown data set format {value!r}; known: {', '.join(datasets.names())}")
        return value

    @field_validator("root")
    @classmethod
    def _no_null_byte(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("a path cannot hold a null byte")
        return value

    @model_validator(mode="after")
    def _options_fit(self) -> "DatasetSpec":
        from frs_core import datasets
        from frs_core.spec.faults import validate_options

        validate_options(datasets.get(self.format).options_type, self.options)
        return self
