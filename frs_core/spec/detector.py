"""Which detector, by its name in mmdet's zoo, and the knobs that make a small one of it."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from frs_core import zoo
from frs_core.spec.base import Spec
from frs_core.spec.faults import fault


class DetectorSpec(Spec):
    """A zoo configuration with typed overrides; a knob left out keeps the zoo's value.

    `head_channels` follows `fpn_channels` when only the latter is given, as in the zoo's own configs; of a
    two-stage detector it is the region proposal network's. `roi_channels` is the width of its two shared
    fully connected layers, `stacked_convs` the depth of a one-stage detector's towers.
    """

    zoo: str = Field(
        description="Config path in mmdet's zoo without .py: retinanet/retinanet_r50_fpn_1x_coco"
    )
    backbone_depth: Literal[18, 34, 50, 101] | None = None
    base_channels: int | None = Field(default=None, ge=4, le=256)
    fpn_channels: int | None = Field(default=None, ge=8, le=1024)
    head_channels: int | None = Field(default=None, ge=8, le=1024)
    stacked_convs: int | None = Field(default=None, ge=1, le=8)
    roi_channels: int | None = Field(default=None, ge=8, le=4096)

    @field_validator("zoo")
    @classmethod
    def _in_the_zoo(cls, value: str) -> str:
        zoo.entry(value)  # raises ValueError with near names
        return value

    @model_validator(mode="after")
    def _can_be_built(self) -> "DetectorSpec":
        known = zoo.entry(self.zoo)
        if known.operators:
            raise fault(
                "zoo",
                self.zoo,
                f"{self.zoo} needs mmcv's compiled {known.operators[0]}, which is not supported",
            )
        if known.backbone_type != "ResNet":
            for knob in ("backbone_depth", "base_channels"):
                if getattr(self, knob) is not None:
                    message = f"{self.zoo} has a {known.backbone_type} backbone; {knob} is for ResNet"
                    raise fault(knob, getattr(self, knob), message)
        foreign = "stacked_convs" if self.is_two_stage else "roi_channels"
        if getattr(self, foreign) is not None:
            message = f"{foreign} is no part of {self.family}: leave it out"
            raise fault(foreign, getattr(self, foreign), message)
        return self

    @model_validator(mode="after")
    def _channels_divide_into_groups(self) -> "DetectorSpec":
        # one channel a group would normalise a level of one location to nothing
        groups = zoo.entry(self.zoo).head_norm_groups
        channels = self.resolved_head_channels
        if groups and (channels % groups or channels == groups):
            raise fault(
                "head_channels",
                channels,
                f"the head of {self.zoo} normalises in {groups} groups and has {channels} channels "
                f"(fpn_channels where head_channels is not given): "
                f"give a multiple of {groups}, {2 * groups} or more",
            )
        return self

    @property
    def family(self) -> str:
        """The family: retinanet, fcos, ..."""
        return zoo.entry(self.zoo).family

    @property
    def is_two_stage(self) -> bool:
        """Whether regions are proposed first and classified second."""
        return self.family in ("faster_rcnn", "cascade_rcnn")

    @property
    def resolved_fpn_channels(self) -> int:
        """Channels of each neck level."""
        return self.fpn_channels or zoo.entry(self.zoo).fpn_channels

    @property
    def resolved_head_channels(self) -> int:
        """Channels inside the head's towers."""
        return self.head_channels or self.fpn_channels or zoo.entry(self.zoo).head_channels
