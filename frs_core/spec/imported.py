"""What a worker does to take in a checkpoint that was made elsewhere."""

from typing import Literal

from pydantic import Field

from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.schedule import ResourcesSpec


class ImportSpec(Spec):
    """A checkpoint to be read without running anything in it, and stored as tensors and nothing else.

    `source` is a file of the job, a path on the worker, or an https address; `sha256` what its bytes must be.
    """

    schema_version: Literal[1] = 1
    kind: Literal["import"] = "import"
    name: Name
    source: str = Field(min_length=1, max_length=4096)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    resources: ResourcesSpec = ResourcesSpec()
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    submitted_by: Name | None = None

    @property
    def operators(self) -> tuple[str, ...]:
        """None of mmcv's compiled operators are needed."""
        return ()
