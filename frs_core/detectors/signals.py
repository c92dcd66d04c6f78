"""What a detector yields for distillation, and the parts of it that must run to get it.

Shapes: N images, C channels, H x W locations of a level, A anchors, K classes.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from frs_core.methods import Signal


@dataclass(frozen=True)
class Signals:
    """Per level, finest first: neck features (N, C, H, W), class logits (N, A*K, H, W), and FCOS's centerness
    logits (N, 1, H, W), of the teacher only.

    Of a two-stage detector the logits are the objectness of its region proposal network (K = 1).
    What was not asked for is empty.
    """

    neck: tuple[Tensor, ...] = ()
    cls: tuple[Tensor, ...] = ()
    centerness: tuple[Tensor, ...] = ()


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
    inputs = teacher.data_preprocessor({"inputs": list(images), "data_samples": None}, False)["inputs"]  # type: ignore[operator]
    neck = tuple(teacher.extract_feat(inputs))  # type: ignore[operator]
    if Signal.CLS not in requires:
        return Signals(neck=neck)
    head, branch = dense_head(teacher), _CLASS_BRANCH[family]
    cls = tuple(branch(head, level) for level in neck)
    if Signal.CENTERNESS not in requires:
        return Signals(neck=neck, cls=cls)
    return Signals(neck=neck, cls=cls, centerness=tuple(_centerness(head, level) for level in neck))


def _centerness(head: Any, level: Tensor) -> Tensor:
    for conv in head.reg_convs if head.centerness_on_reg else head.cls_convs:
        level = conv(level)
    found: Tensor = head.conv_centerness(level)
    return found


def student_losses(
    student: nn.Module, inputs: Tensor, data_samples: Sequence[Any]
) -> tuple[dict[str, Any], Signals]:
    """The detector's own losses, as it computes them, and its signals, caught on the way: one pass in all."""
    caught: dict[str, tuple[Tensor, ...]] = {}
    with (
        _caught(student.neck, lambda output: caught.update(neck=tuple(output))),
        _caught(dense_head(student), lambda output: caught.update(cls=tuple(output[0]))),
    ):
        losses: dict[str, Any] = student.loss(inputs, list(data_samples))  # type: ignore[operator]
    return {name: value for name, value in losses.items() if "loss" in name}, Signals(**caught)


@contextmanager
def _caught(module: Any, take: Callable[[Any], None]) -> Iterator[None]:
    handle = module.register_forward_hook(lambda _module, _inputs, output: take(output))
    try:
        yield
    finally:
        handle.remove()
