"""What a detector yields for distillation, and the parts of it that must run to get it.

Shapes: N images, C channels, H x W locations of a level, A anchors, K classes.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from frs_core.methods import Signal


@dataclass(frozen=True)
class Signals:
    """Per level, finest first: neck features (N, C, H, W), class logits (N, A*K, H, W), and FCOS's centerness
    logits (N, 1, H, W), of the teacher only.

    `bbox` is what the dense head predicts of boxes (N, A*B, H, W), B numbers an anchor. Of the student alone:
    `anchors` (H, W, A, 4), x1 y1 x2 y2 in pixels of the input, and `positives` (N, A, H, W), true where its
    assigner gave an anchor (FCOS: a location, A = 1) an object.

    Of a two-stage detector all this is of its region proposal network (K = 1). What was not asked for is
    empty.
    """

    neck: tuple[Tensor, ...] = ()
    cls: tuple[Tensor, ...] = ()
    centerness: tuple[Tensor, ...] = ()
    bbox: tuple[Tensor, ...] = ()
    anchors: tuple[Tensor, ...] = ()
    positives: tuple[Tensor, ...] = ()


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
    return signals_of_inputs(teacher, family, teacher_inputs(teacher, images), requires)


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
    if Signal.CLS not in requires:
        return Signals(neck=_plain(neck))
    head, branch = dense_head(teacher), _CLASS_BRANCH[family]
    cls = tuple(branch(head, level) for level in neck)
    if Signal.CENTERNESS not in requires:
        return Signals(neck=_plain(neck), cls=_plain(cls))
    centerness = tuple(_centerness(head, level) for level in neck)
    return Signals(neck=_plain(neck), cls=_plain(cls), centerness=_plain(centerness))


def _plain(levels: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Laid out and typed as the student's are: what mixes layouts is slow."""
    return tuple(level.float().contiguous() for level in levels)


def _centerness(head: Any, level: Tensor) -> Tensor:
    for conv in head.reg_convs if head.centerness_on_reg else head.cls_convs:
        level = conv(level)
    found: Tensor = head.conv_centerness(level)
    return found


def student_losses(
    student: nn.Module,
    inputs: Tensor,
    data_samples: Sequence[Any],
    requires: Collection[Signal] = (),  # noqa: ARG001
) -> tuple[dict[str, Any], Signals]:
    """The detector's own losses, as it computes them, and its signals, caught on the way: one pass in all.

    Neck features and class logits come whether `requires` names them or not; what else it names is added.

    Under autocast neck and heads give float32 copies of their outputs, so that losses, and the coordinates
    of regions, are computed in float32.
    """
    caught: dict[str, tuple[Tensor, ...]] = {}
    with ExitStack() as hooks:
        hooks.enter_context(_caught(student.neck, lambda output: caught.update(neck=tuple(output))))
        hooks.enter_context(_caught(dense_head(student), lambda output: caught.update(cls=tuple(output[0]))))
        for head in _region_heads(student):
            hooks.enter_context(_caught(head, lambda _: None))
        losses: dict[str, Any] = student.loss(inputs, list(data_samples))  # type: ignore[operator]
    return {name: value for name, value in losses.items() if "loss" in name}, Signals(**caught)


def _region_heads(detector: nn.Module) -> list[nn.Module]:
    """The heads that classify regions: none, one, or one a stage of a cascade."""
    if not hasattr(detector, "roi_head"):
        return []
    heads = cast(Any, detector.roi_head).bbox_head
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


@contextmanager
def _caught(module: Any, take: Callable[[Any], None]) -> Iterator[None]:
    """Take what the module gives, in float32, as the module's callers then do."""

    def catch(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        output = _in_float32(output)
        take(output)
        return output

    handle = module.register_forward_hook(catch)
    try:
        yield
    finally:
        handle.remove()


def _in_float32(output: Any) -> Any:
    if isinstance(output, Tensor):
        return output.float()
    if isinstance(output, list | tuple):
        return type(output)(_in_float32(each) for each in output)
    return output
