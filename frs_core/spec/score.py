"""What a worker does to judge boxes that were found elsewhere."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.schedule import ResourcesSpec


def _one_line(value: str) -> str:
    line = " ".join(value.split())
    if not line or not line.isprintable():
        raise ValueError("give a line of text, without characters that cannot be shown")
    return line


Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)]
"""A sentence or two of a user's; white space of any kind is one space."""


class ScoreSpec(Spec):
    """Predictions of a data set's reported split, to be scored as those of our own detectors are.

    `predictions` is a file of the job, or a path on the worker: COCO's results, or a COCO document whose
    annotations have scores.
    """

    schema_version: Literal[1] = 1
    kind: Literal["score"] = "score"
    name: Name
    dataset: DatasetSpec
    predictions: str = Field(min_length=1, max_length=4096)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    note: Line | None = None
    resources: ResourcesSpec = ResourcesSpec()
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    submitted_by: Name | None = None

    @property
    def split(self) -> Literal["val", "test"]:
        """The split that comparisons report."""
        return "val" if self.dataset.test is None else "test"

    @property
    def operators(self) -> tuple[str, ...]:
        """None of mmcv's compiled operators are needed."""
        return ()
