"""What a detector yields for distillation, and the parts of it that must run to get it.

Shapes: N images, C channels, H x W locations of a level, A anchors, K classes.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from frs_core.methods import Signal


@dataclass(frozen=True)
class Signals:
    """Per level, finest first: neck features (N, C, H, W) and class logits (N, A*K, H, W).

    What was not asked for is empty.
    """

    neck: tuple[Tensor, ...] = ()
    cls: tuple[Tensor, ...] = ()


def _retinanet_class_logits(head: Any, level: Tensor) -> Tensor:
    for conv in head.cls_convs:
        level = conv(level)
    logits: Tensor = head.retina_cls(level)
    return logits


def _fcos_class_logits(head: Any, level: Tensor) -> Tensor:
    for conv in head.cls_convs:
        level = conv(level)
    logits: Tensor = head.conv_cls(level)
    return logits


_CLASS_BRANCH: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "retinanet": _retinanet_class_logits,
    "fcos": _fcos_class_logits,
}


def families() -> tuple[str, ...]:
    """The detector families whose signals are known."""
    return tuple(sorted(_CLASS_BRANCH))


@torch.no_grad()
def teacher_signals(
    teacher: nn.Module, family: str, images: Sequence[Tensor], requires: Collection[Signal]
) -> Signals:
    """The signals in `requires` of raw images (C, H, W), uint8; nothing else of the teacher is run."""
    inputs = teacher.data_preprocessor({"inputs": list(images), "data_samples": None}, False)["inputs"]  # type: ignore[operator]
    neck = tuple(teacher.extract_feat(inputs))  # type: ignore[operator]
    if Signal.CLS not in requires:
        return Signals(neck=neck)
    branch = _CLASS_BRANCH[family]
    return Signals(neck=neck, cls=tuple(branch(teacher.bbox_head, level) for level in neck))


def student_losses(
    student: nn.Module, inputs: Tensor, data_samples: Sequence[Any]
) -> tuple[dict[str, Any], Signals]:
    """The detector's own losses and its signals, from one pass through its head."""
    neck = tuple(student.extract_feat(inputs))  # type: ignore[operator]
    head: Any = student.bbox_head
    outputs = head(neck)
    instances = [sample.gt_instances for sample in data_samples]
    ignored = [sample.get("ignored_instances") for sample in data_samples]
    metas = [sample.metainfo for sample in data_samples]
    losses: dict[str, Any] = head.loss_by_feat(*outputs, instances, metas, ignored)
    return losses, Signals(neck=neck, cls=tuple(outputs[0]))
