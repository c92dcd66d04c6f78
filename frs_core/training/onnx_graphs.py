"""The parts of a detector that become ONNX graphs, with the names and meaning of what goes in and out.

What an engineer gets wrong by hand is inside: the order of the channels, mean and deviation, and the padding
to whole strides. What is left outside is what mmdet's heads do in Python: decoding of boxes and NMS.

Shapes: N images, C channels, H x W pixels or locations, A anchors a location, K classes, R regions.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from frs_core.detectors.signals import dense_head

IMAGE = "image_bgr"
DENSE_OUTPUTS = {
    "retinanet": ("cls", "bbox"),
    "fcos": ("cls", "bbox", "centerness"),
    "gfl": ("cls", "bbox"),
    "faster_rcnn": ("objectness", "bbox"),
    "cascade_rcnn": ("objectness", "bbox"),
}


@dataclass(frozen=True)
class Graph:
    """A module to write as ONNX. Its example inputs are by name; so are the sizes that stay open."""

    file: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    open_sizes: dict[str, dict[int, str]]


def dense_graph(detector: nn.Module, family: str, image: Tensor) -> Graph:
    """From `image` (N, 3, H, W) uint8, BGR, of any size, to what the head says at every location.

    The outputs are `cls_p3`, `cls_p4`, ..., `bbox_p3`, ... as mmdet's head gives them; of a two-stage
    detector they are those of its region proposal network, followed by `feature_p2`, ... for `region_graph`.
    """
    strides = dense_head(detector).prior_generator.strides
    levels = [(stride[0] if isinstance(stride, tuple) else stride).bit_length() - 1 for stride in strides]
    names = [f"{kind}_p{level}" for kind in DENSE_OUTPUTS[family] for level in levels]
    features = [f"feature_p{level}" for level in levels[: _num_region_levels(detector)]]
    open_sizes = {name: {0: "images", 2: f"{name}_height", 3: f"{name}_width"} for name in names + features}
    return Graph(
        file="model.onnx",
        module=_Dense(detector),
        inputs={IMAGE: image},
        outputs=(*names, *features),
        open_sizes={IMAGE: {0: "images", 2: "height", 3: "width"}, **open_sizes},
    )


def region_graph(
    detector: nn.Module, features: dict[str, Tensor], proposals: Tensor, image_size: tuple[int, int]
) -> Graph:
    """From one image's features and proposals (R, 4), as x1, y1, x2, y2 in the image that was fed.

    Outputs: `class_logits` (R, K + 1), background last, to be softmaxed; `box_deltas`, relative to the
    proposals, or, of a cascade, to its third output `boxes` (R, 4). A cascade also takes `image_size`, the
    height and width that was fed, for it clips boxes on the way.
    """
    cascade = _is_cascade(detector)
    inputs = {"proposals": proposals, **features}
    outputs: tuple[str, ...] = ("class_logits", "box_deltas")
    if cascade:
        inputs = {"proposals": proposals, "image_size": torch.tensor(image_size), **features}
        outputs = (*outputs, "boxes")
    regions = {name: {0: "regions"} for name in ("proposals", *outputs)}
    open_sizes = {name: {2: f"{name}_height", 3: f"{name}_width"} for name in features}
    module = _CascadeRegions(detector) if cascade else _Regions(detector)
    return Graph("model_regions.onnx", module, inputs, outputs, {**regions, **open_sizes})


class _Dense(nn.Module):
    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        model: Any = self.detector
        levels = model.extract_feat(self._prepared(image))
        dense = tuple(level for kind in dense_head(model)(levels) for level in kind)
        return dense + tuple(levels[: _num_region_levels(model)])

    def _prepared(self, image: Tensor) -> Tensor:
        """What mmdet's data preprocessor does, in operations that leave the image's size open."""
        own: Any = self.detector.data_preprocessor
        pixels = image.float()
        if own._channel_conversion:
            pixels = pixels[:, [2, 1, 0]]
        pixels = (pixels - own.mean) / own.std
        height, width = pixels.shape[-2:]
        edge = (0, -width % own.pad_size_divisor, 0, -height % own.pad_size_divisor)
        return functional.pad(pixels, edge, value=float(own.pad_value))


class _Regions(nn.Module):
    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.head = detector.roi_head

    def forward(self, proposals: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        head: Any = self.head
        return tuple(head.bbox_head(_pooled(head.bbox_roi_extractor, features, proposals)))


class _CascadeRegions(nn.Module):
    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.head = detector.roi_head

    def forward(self, boxes: Tensor, image_size: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        """The mean of the stages' logits, the last stage's deltas, and the boxes it was given."""
        head: Any = self.head
        edge = image_size.flip(0).repeat(2).to(boxes.dtype)
        logits, deltas = [], boxes
        for stage, (extractor, box_head) in enumerate(
            zip(head.bbox_roi_extractor, head.bbox_head, strict=True)
        ):
            if stage:
                decoded = head.bbox_head[stage - 1].bbox_coder.decode(boxes, deltas)
                boxes = torch.minimum(decoded.clamp(min=0), edge)
            scores, deltas = box_head(_pooled(extractor, features, boxes))
            logits.append(scores)
        return torch.stack(logits).mean(0), deltas, boxes


def _pooled(extractor: Any, features: tuple[Tensor, ...], boxes: Tensor) -> Tensor:
    """Each box's features from the level of its size, (R, C, 7, 7).

    Every level is asked for every box, so that no size depends on the boxes; this costs little beside the
    layers that follow.
    """
    rois = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], dim=1)
    level_of = extractor.map_roi_levels(rois, len(features))
    pooled = rois.new_zeros(())
    for level, (feature, layer) in enumerate(zip(features, extractor.roi_layers, strict=True)):
        mask = (level_of == level).to(feature.dtype)[:, None, None, None]
        pooled = pooled + mask * _RoiAlign.apply(feature, rois, layer)  # type: ignore[no-untyped-call]
    return pooled


class _RoiAlign(torch.autograd.Function):
    """ONNX's own operator, in place of mmcv's, whose offset by half a pixel ONNX would apply once more."""

    @staticmethod
    def forward(_: Any, feature: Tensor, rois: Tensor, layer: Any) -> Tensor:
        """Nothing but the shape: this is only ever traced, and what is inside would be traced with it."""
        return feature.new_zeros(rois.shape[0], feature.shape[1], *layer.output_size)

    @staticmethod
    def symbolic(g: Any, feature: Any, rois: Any, layer: Any) -> Any:
        """The operator's node; `rois` (R, 5) are the number of the image and the box."""

        def columns(*indices: int) -> Any:
            return g.op("Gather", rois, g.op("Constant", value_t=torch.tensor(indices)), axis_i=1)

        first_axis = g.op("Constant", value_t=torch.tensor([1]))
        images = g.op(
            "Cast", g.op("Squeeze", columns(0), first_axis), to_i=torch.onnx.TensorProtoDataType.INT64
        )
        height, width = layer.output_size
        return g.op(
            "RoiAlign",
            feature,
            columns(1, 2, 3, 4),
            images,
            coordinate_transformation_mode_s="half_pixel" if layer.aligned else "output_half_pixel",
            mode_s=layer.pool_mode,
            output_height_i=height,
            output_width_i=width,
            sampling_ratio_i=layer.sampling_ratio,
            spatial_scale_f=layer.spatial_scale,
        )


def _num_region_levels(detector: Any) -> int:
    """How many neck levels the RoI head reads; none without one."""
    if not hasattr(detector, "roi_head"):
        return 0
    extractor: Any = detector.roi_head.bbox_roi_extractor
    return len((extractor[0] if _is_cascade(detector) else extractor).roi_layers)


def _is_cascade(detector: Any) -> bool:
    return isinstance(detector.roi_head.bbox_head, nn.ModuleList)
