"""The backbones that a detector can be given in place of the zoo's, each with the knobs that it has.

Every one has four stages, at strides 4, 8, 16 and 32.
"""

from typing import Annotated, Literal

from pydantic import Field, WrapValidator, model_validator

from frs_core.spec.base import Spec
from frs_core.spec.faults import fault, name_the_choice

BaseChannels = Annotated[int, Field(ge=4, le=256, description="Channels of the first stage before expansion")]


class ResNet(Spec):
    """`style`: a bottleneck halves the resolution in its 3x3 convolution (pytorch) or its 1x1 (caffe)."""

    type: Literal["ResNet"]
    depth: Literal[18, 34, 50, 101] = 50
    base_channels: BaseChannels = 64
    style: Literal["pytorch", "caffe"] = "pytorch"

    @model_validator(mode="after")
    def _style_has_a_meaning(self) -> "ResNet":
        if self.style == "caffe" and self.depth < 50:
            message = f"a ResNet of depth {self.depth} has no bottlenecks for a style to change: leave it out"
            raise fault("style", self.style, message)
        return self


class ResNeXt(Spec):
    """Grouped convolutions: `groups` of `base_width` channels in the first stage."""

    type: Literal["ResNeXt"]
    depth: Literal[50, 101] = 101
    groups: int = Field(default=32, ge=2, le=64)
    base_width: int = Field(default=4, ge=2, le=64)
    base_channels: BaseChannels = 64


class Res2Net(Spec):
    """Each bottleneck's 3x3 convolution split into `scales` of `base_width` channels in the first stage."""

    type: Literal["Res2Net"]
    depth: Literal[50, 101] = 101
    scales: int = Field(default=4, ge=2, le=8)
    base_width: int = Field(default=26, ge=2, le=128)
    base_channels: BaseChannels = 64


class MobileNetV2(Spec):
    """Inverted residuals; `widen_factor` scales every width, rounded to multiples of 8."""

    type: Literal["MobileNetV2"]
    widen_factor: float = Field(default=1.0, ge=0.1, le=2.0)


RegNetArch = Literal[
    "regnetx_400mf",
    "regnetx_800mf",
    "regnetx_1.6gf",
    "regnetx_3.2gf",
    "regnetx_4.0gf",
    "regnetx_6.4gf",
    "regnetx_8.0gf",
    "regnetx_12gf",
]


class RegNet(Spec):
    """A network of the RegNetX design space, by its compute on ImageNet's images."""

    type: Literal["RegNet"]
    arch: RegNetArch


BackboneSpec = Annotated[
    ResNet | ResNeXt | Res2Net | MobileNetV2 | RegNet,
    Field(discriminator="type"),
    WrapValidator(name_the_choice("type", "ResNet", "ResNeXt", "Res2Net", "MobileNetV2", "RegNet")),
]
