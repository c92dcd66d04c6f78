"""What a worker does to find boxes in a user's own pictures."""

from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import Field, model_validator

from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.schedule import InputSize, ResourcesSpec

MAX_PICTURES = 1000
Runtime = Literal["torch", "onnx"]
ScoreThreshold = Annotated[float, Field(ge=0, le=1, description="Boxes below this score are left out")]


class Picture(Spec):
    """One picture: what its user calls it, and where it is: a file of the job, or a path on the worker."""

    name: str = Field(min_length=1, max_length=200)
    file: str = Field(min_length=1, max_length=4096)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class PredictSpec(Spec):
    """One prediction, complete in itself. Either `pictures` or `path`, a picture or a folder of them.

    `checkpoint` is what the `torch` runtime reads, a path or the id of stored weights; `onnx` is what the
    `onnx` runtime reads, a path or the id of a stored artifact.
    """

    schema_version: Literal[1] = 1
    kind: Literal["predict"] = "predict"
    name: Name
    detector: DetectorSpec
    classes: tuple[str, ...] = Field(min_length=1)
    input_size: InputSize
    runtime: Runtime = "torch"
    checkpoint: str | None = Field(default=None, min_length=1, max_length=4096)
    onnx: str | None = Field(default=None, min_length=1, max_length=4096)
    score_threshold: ScoreThreshold = 0.3
    pictures: tuple[Picture, ...] = Field(default=(), max_length=MAX_PICTURES)
    path: str | None = Field(default=None, min_length=1, max_length=4096)
    resources: ResourcesSpec = ResourcesSpec()
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    submitted_by: Name | None = None

    @model_validator(mode="after")
    def _one_source_of_each(self) -> "PredictSpec":
        if bool(self.pictures) == (self.path is not None):
            raise fault("pictures", None, "give either `pictures` or `path`")
        if self.path is not None and not PurePath(self.path).is_absolute():
            raise fault("path", self.path, "give an absolute path: what this one is relative to is not known")
        read, other = ("checkpoint", "onnx") if self.runtime == "torch" else ("onnx", "checkpoint")
        if getattr(self, read) is None or getattr(self, other) is not None:
            raise fault(read, None, f"the runtime {self.runtime} reads `{read}` and nothing else")
        if self.runtime == "onnx" and self.detector.is_two_stage:
            raise fault("runtime", "onnx", two_stage_refusal(self.detector))
        return self

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators of mmcv's compiled extension that its detector needs."""
        return self.detector.operators


def two_stage_refusal(detector: DetectorSpec) -> str:
    """Why a two-stage detector is not run from its ONNX file."""
    return (
        f"{detector.zoo} is a {detector.family}, whose ONNX file holds its region proposals only: "
        "give runtime torch"
    )
