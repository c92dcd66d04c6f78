"""Which detector, by its name in mmdet's zoo, and the knobs that make a small one of it."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from frs_core import zoo
from frs_core.spec.backbone import BackboneSpec, ResNet
from frs_core.spec.base import Spec
from frs_core.spec.faults import fault
from frs_core.spec.imagenet import Preprocessor, published


class DetectorSpec(Spec):
    """A zoo configuration with typed overrides; a knob left out keeps the zoo's value.

    `head_channels` follows `fpn_channels` when only the latter is given, as in the zoo's own configs; of a
    two-stage detector it is the region proposal network's. `roi_channels` is the width of its two shared
    fully connected layers, `stacked_convs` the depth of a one-stage detector's towers.

    `backbone` puts another one in the place of the zoo's; `backbone_depth` and `base_channels` are short
    for a ResNet like the zoo's. Images are prepared as the zoo's config says whatever the backbone, unless
    `preprocessor` is `backbone`: then as the ImageNet weights published for the backbone expect.
    """

    zoo: str = Field(
        description="Config path in mmdet's zoo without .py: retinanet/retinanet_r50_fpn_1x_coco"
    )
    backbone: BackboneSpec | None = None
    backbone_depth: Literal[18, 34, 50, 101] | None = None
    base_channels: int | None = Field(default=None, ge=4, le=256)
    fpn_channels: int | None = Field(default=None, ge=8, le=1024)
    head_channels: int | None = Field(default=None, ge=8, le=1024)
    stacked_convs: int | None = Field(default=None, ge=1, le=8)
    roi_channels: int | None = Field(default=None, ge=8, le=4096)
    preprocessor: Literal["zoo", "backbone"] = "zoo"

    @field_validator("zoo")
    @classmethod
    def _in_the_zoo(cls, value: str) -> str:
        zoo.entry(value)  # raises ValueError with near names
        return value

    @model_validator(mode="after")
    def _knobs_are_its_own(self) -> "DetectorSpec":
        foreign = "stacked_convs" if self.is_two_stage else "roi_channels"
        if getattr(self, foreign) is not None:
            message = f"{foreign} is no part of {self.family}: leave it out"
            raise fault(foreign, getattr(self, foreign), message)
        return self

    @model_validator(mode="after")
    def _backbone_can_be_built(self) -> "DetectorSpec":
        known = zoo.entry(self.zoo)
        for knob in ("backbone_depth", "base_channels"):
            value = getattr(self, knob)
            if value is None:
                continue
            if self.backbone is not None:
                raise fault(knob, value, f"`backbone` says it all: leave {knob} out, or put it there")
            if known.backbone_type != "ResNet":
                message = (
                    f"{self.zoo} has a {known.backbone_type} backbone; {knob} is for ResNet: give `backbone`"
                )
                raise fault(knob, value, message)
        if self.backbone_depth in (18, 34) and known.backbone_layers:
            message = (
                f"{self.zoo} has {known.backbone_layers[0]} in its bottlenecks, which a ResNet of depth "
                f"{self.backbone_depth} has not: give 50 or 101, or `backbone`"
            )
            raise fault("backbone_depth", self.backbone_depth, message)
        if self.preprocessor == "backbone" and not (self.own_backbone and published(self.own_backbone)):
            message = (
                "no ImageNet weights are published for the backbone given, or none is given: leave it out"
            )
            raise fault("preprocessor", self.preprocessor, message)
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
    def own_backbone(self) -> BackboneSpec | None:
        """The backbone that is not the zoo's, long or short form; None where it is the zoo's as it stands."""
        if self.backbone is not None:
            return self.backbone
        known = zoo.entry(self.zoo)
        short = (self.backbone_depth or known.backbone_depth, self.base_channels or 64)
        if known.backbone_type != "ResNet" or short == (known.backbone_depth, 64):
            return None
        depth, base_channels = short
        style = known.backbone_style if depth in (50, 101) else "pytorch"  # the others have no bottlenecks
        knobs = {"depth": depth, "base_channels": base_channels, "style": style}
        return ResNet.model_validate({"type": "ResNet", **knobs})

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators of mmcv's compiled extension that it needs."""
        known = zoo.entry(self.zoo)
        replaced = known.backbone_operators if self.backbone is not None else ()
        return tuple(name for name in known.operators if name not in replaced)

    @property
    def resolved_preprocessor(self) -> Preprocessor:
        """How its images are prepared."""
        if self.preprocessor == "backbone":
            assert self.own_backbone is not None
            return published(self.own_backbone)[0].preprocessor
        known = zoo.entry(self.zoo)
        return Preprocessor(mean=known.mean, std=known.std, bgr_to_rgb=known.bgr_to_rgb)

    @property
    def resolved_fpn_channels(self) -> int:
        """Channels of each neck level."""
        return self.fpn_channels or zoo.entry(self.zoo).fpn_channels

    @property
    def resolved_stacked_convs(self) -> int:
        """Convolutions in each tower of a one-stage head."""
        return self.stacked_convs or zoo.entry(self.zoo).stacked_convs

    @property
    def resolved_head_channels(self) -> int:
        """Channels inside the head's towers."""
        return self.head_channels or self.fpn_channels or zoo.entry(self.zoo).head_channels
