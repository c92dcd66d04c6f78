"""What a detector yields for distillation, and the parts of it that must run to get it.

Shapes: N images, C channels, H x W locations of a level, A anchors, K classes.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from frs_core.detectors.towers import TeacherHead, TowerFeatures
from frs_core.methods import Signal

Levels = tuple[Tensor, ...]


@dataclass(frozen=True)
class Signals:
    """Per level, finest first: neck features (N, C, H, W), class logits (N, A*K, H, W), and FCOS's centerness
    logits (N, 1, H, W), of the teacher only.

    `distributions` are GFL's logits of where a box's sides are (N, 4*B, H, W), B bins a side. `head` is the
    teacher's, `towers` the features of the student's. Of the student alone:
    `anchors` (H, W, A, 4), x1 y1 x2 y2 in pixels of the input, and `positives` (N, A, H, W), true where its
    assigner gave an anchor (FCOS: a location, A = 1) an object.

    Of a two-stage detector all this is of its region proposal network (K = 1). What was not asked for is
    empty.
    """

    neck: tuple[Tensor, ...] = ()
    cls: tuple[Tensor, ...] = ()
    centerness: tuple[Tensor, ...] = ()
    distributions: tuple[Tensor, ...] = ()
    anchors: tuple[Tensor, ...] = ()
    positives: tuple[Tensor, ...] = ()
    towers: TowerFeatures | None = None
    head: TeacherHead | None = None


def _tower(classifier: str) -> Callable[[Any, Tensor], Tensor]:
    """The class branch of a one-stage head: its `cls_convs`, then the named convolution."""

    def logits(head: Any, level: Tensor) -> Tensor:
        for conv in head.cls_convs:
            level = conv(level)
        found: Tensor = getattr(head, classifier)(level)
        return found

    return logits


def _objectness(head: Any, level: Tensor) -> Tensor:
    found: Tensor = head.rpn_cls(torch.relu(head.rpn_conv(level)))
    return found


_CLASS_BRANCH: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "retinanet": _tower("retina_cls"),
    "fcos": _tower("conv_cls"),
    "gfl": _tower("gfl_cls"),
    "faster_rcnn": _objectness,
    "cascade_rcnn": _objectness,
}


def families() -> tuple[str, ...]:
    """The detector families whose signals are known."""
    return tuple(sorted(_CLASS_BRANCH))


def dense_head(detector: nn.Module) -> Any:
    """The head that scores every location: the detector's own, or its region proposal network."""
    return detector.rpn_head if hasattr(detector, "rpn_head") else detector.bbox_head


@torch.no_grad()
def teacher_signals(
    teacher: nn.Module, family: str, images: Sequence[Tensor], requires: Collection[Signal]
) -> Signals:
    """The signals in `requires` of raw images (C, H, W), uint8; nothing else of the teacher is run."""
    signals = signals_of_inputs(teacher, family, teacher_inputs(teacher, images), requires)
    return with_head(signals, teacher, family, requires)


@torch.no_grad()
def teacher_inputs(teacher: nn.Module, images: Sequence[Tensor]) -> Tensor:
    """Raw images as the teacher's network takes them: normalised, padded, (N, C, H, W)."""
    preprocess: Any = teacher.data_preprocessor
    inputs: Tensor = preprocess({"inputs": list(images), "data_samples": None}, False)["inputs"]
    return inputs


@torch.no_grad()
def signals_of_inputs(
    teacher: nn.Module, family: str, inputs: Tensor, requires: Collection[Signal]
) -> Signals:
    """The signals in `requires` of what `teacher_inputs` gave: float32, whatever the teacher computes in."""
    dtype = next(teacher.backbone.parameters()).dtype  # type: ignore[union-attr]
    neck = tuple(teacher.extract_feat(inputs.to(dtype)))  # type: ignore[operator]
    head = dense_head(teacher)
    found: dict[str, Any] = {}
    if Signal.DISTRIBUTIONS in requires:
        cls, distributions = head(neck)
        found = {"cls": _plain(cls), "distributions": _plain(distributions)}
    elif set(requires) & {Signal.CLS, Signal.CENTERNESS}:
        found = {"cls": _plain([_CLASS_BRANCH[family](head, level) for level in neck])}
    if Signal.CENTERNESS in requires:
        found["centerness"] = _plain([_centerness(head, level) for level in neck])
    return Signals(neck=_plain(neck), **found)


def with_head(signals: Signals, teacher: nn.Module, family: str, requires: Collection[Signal]) -> Signals:
    """The same, with the teacher's head where it is required."""
    if Signal.HEAD_FEATURES not in requires:
        return signals
    return replace(signals, head=TeacherHead(dense_head(teacher), family))


def _plain(levels: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Laid out and typed as the student's are: what mixes layouts is slow."""
    return tuple(level.float().contiguous() for level in levels)


def _centerness(head: Any, level: Tensor) -> Tensor:
    for conv in head.reg_convs if head.centerness_on_reg else head.cls_convs:
        level = conv(level)
    found: Tensor = head.conv_centerness(level)
    return found
