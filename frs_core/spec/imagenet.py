"""Which ImageNet weights are published for a detector's backbone, and how they want their images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from pydantic import BaseModel, ConfigDict

from frs_core import zoo
from frs_core.spec.backbone import BackboneSpec, RegNetArch

if TYPE_CHECKING:
    from frs_core.spec.detector import DetectorSpec


class Preprocessor(BaseModel):
    """What is subtracted from each channel and divided by; channels are blue, green, red unless swapped."""

    model_config = ConfigDict(frozen=True)

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    bgr_to_rgb: bool

    @property
    def summary(self) -> str:
        """For a message."""
        return f"{'RGB' if self.bgr_to_rgb else 'BGR'} mean {list(self.mean)} and std {list(self.std)}"


class Published(BaseModel):
    """ImageNet weights by their alias in mmengine's hubs, and what they were trained with."""

    model_config = ConfigDict(frozen=True)

    alias: str
    backbone: BackboneSpec
    preprocessor: Preprocessor


class ImageNetWeights(BaseModel):
    """Where a backbone's weights are, and the first digits of the file's SHA-256 where its name tells."""

    model_config = ConfigDict(frozen=True)

    alias: str
    url: str
    sha256_prefix: str | None


_RGB: Final = Preprocessor(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), bgr_to_rgb=True)
_BGR: Final = Preprocessor(mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395), bgr_to_rgb=False)
_DETECTRON2: Final = Preprocessor(mean=(103.53, 116.28, 123.675), std=(1.0, 1.0, 1.0), bgr_to_rgb=False)
_DETECTRON: Final = Preprocessor(mean=(102.9801, 115.9465, 122.7717), std=(1.0, 1.0, 1.0), bgr_to_rgb=False)


def _row(alias: str, preprocessor: Preprocessor, **backbone: object) -> Published:
    return Published.model_validate({"alias": alias, "preprocessor": preprocessor, "backbone": backbone})


PUBLISHED: Final = (
    *(_row(f"torchvision://resnet{depth}", _RGB, type="ResNet", depth=depth) for depth in (18, 34, 50, 101)),
    *(
        _row(f"open-mmlab://{source}/resnet{depth}_caffe", form, type="ResNet", depth=depth, style="caffe")
        for source, form in (("detectron2", _DETECTRON2), ("detectron", _DETECTRON))
        for depth in (50, 101)
    ),
    _row("open-mmlab://resnext50_32x4d", _RGB, type="ResNeXt", depth=50),
    _row("open-mmlab://resnext101_32x4d", _RGB, type="ResNeXt"),
    _row("open-mmlab://resnext101_64x4d", _RGB, type="ResNeXt", groups=64),
    _row("open-mmlab://detectron2/resnext101_32x8d", _BGR, type="ResNeXt", base_width=8),
    _row("open-mmlab://res2net101_v1d_26w_4s", _RGB, type="Res2Net"),
    _row("open-mmlab://mmdet/mobilenet_v2", _RGB, type="MobileNetV2"),
    *(_row(f"open-mmlab://{arch}", _BGR, type="RegNet", arch=arch) for arch in get_args(RegNetArch)),
)
"""What mmdet's own configs start these backbones from, and the preprocessor that they give beside it."""


def published(backbone: BackboneSpec) -> tuple[Published, ...]:
    """The weights published for exactly this backbone, the usual ones first."""
    return tuple(row for row in PUBLISHED if row.backbone == backbone)


def imagenet_weights(detector: DetectorSpec) -> ImageNetWeights:
    """The ImageNet weights for the detector's backbone that expect images as the detector prepares them.

    Raises ValueError where none are published, or none that expect such images, and says what to do.
    """
    backbone = detector.own_backbone
    if backbone is None:
        return _of_the_zoo(zoo.entry(detector.zoo))
    rows = published(backbone)
    name = describe(backbone)
    if not rows:
        raise ValueError(f"no ImageNet weights are published for {name}: start it from scratch")
    fitting = [row.alias for row in rows if row.preprocessor == detector.resolved_preprocessor]
    if not fitting:
        raise ValueError(
            f"the ImageNet weights of {name} expect images with {rows[0].preprocessor.summary}, but those of "
            f"{detector.zoo} have {detector.resolved_preprocessor.summary}: "
            "give the detector `preprocessor: backbone`"
        )
    return _weights(fitting[0])


def describe(backbone: BackboneSpec) -> str:
    """The backbone in one line, with the knobs that are not at their defaults."""
    knobs = backbone.model_dump(exclude_defaults=True, exclude={"type"})
    return " ".join([backbone.type, *(f"{name} {value}" for name, value in knobs.items())])


def _of_the_zoo(entry: zoo.ZooEntry) -> ImageNetWeights:
    if entry.backbone_type not in {row.backbone.type for row in PUBLISHED} or entry.backbone_weights is None:
        raise ValueError(
            f"the {entry.backbone_type} of {entry.name} has no ImageNet weights that fit unchanged: "
            "start it from scratch, or give another `backbone`"
        )
    return _weights(entry.backbone_weights)


def _weights(alias: str) -> ImageNetWeights:
    url = zoo.backbone_weights().get(alias, alias)
    return ImageNetWeights(alias=alias, url=url, sha256_prefix=zoo.hash_prefix(url))
