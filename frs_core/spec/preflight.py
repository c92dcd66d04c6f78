"""What a worker does first where the server does not see the data: it looks at them."""

from typing import Literal

from pydantic import Field

from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.schedule import ResourcesSpec


class PreflightSpec(Spec):
    """A check of every image and box of a data set, before anything is trained on it."""

    schema_version: Literal[1] = 1
    kind: Literal["preflight"] = "preflight"
    name: Name
    dataset: DatasetSpec
    min_train_images: int = Field(default=1, ge=1, description="What one step of the schedule takes")
    examines: bool = Field(
        default=False, description="Report faults and statistics of a data set that is being registered"
    )
    resources: ResourcesSpec = ResourcesSpec()
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    submitted_by: Name | None = None

    @property
    def operators(self) -> tuple[str, ...]:
        """None of mmcv's compiled operators are needed."""
        return ()
