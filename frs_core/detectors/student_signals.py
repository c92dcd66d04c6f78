"""What a student yields besides its losses, caught while it computes them.

Shapes: N images, C channels, H x W locations of a level, A anchors, K classes.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, cast

from torch import Tensor, nn

from frs_core.detectors.signals import Levels, Signals, dense_head
from frs_core.detectors.towers import TowerFeatures, features_seen
from frs_core.methods import Signal


def student_losses(
    student: nn.Module,
    inputs: Tensor,
    data_samples: Sequence[Any],
    requires: Collection[Signal] = (),
) -> tuple[dict[str, Any], Signals]:
    """The detector's own losses, as it computes them, and its signals, caught on the way: one pass in all.

    Neck features and class logits come whether `requires` names them or not; what else it names is added.
    Under autocast neck and heads give float32 copies of their outputs, so that losses, and the coordinates
    of regions, are computed in float32.
    """
    caught: dict[str, Any] = {}
    head = dense_head(student)

    def take_outputs(output: Any) -> None:
        caught.update(cls=tuple(output[0]))
        if Signal.DISTRIBUTIONS in requires:
            caught.update(distributions=tuple(output[1]))

    with ExitStack() as hooks:
        hooks.enter_context(_caught(student.neck, lambda output: caught.update(neck=tuple(output))))
        hooks.enter_context(_caught(head, take_outputs))
        if Signal.TARGETS in requires:
            hooks.enter_context(
                _targets_seen(
                    head, lambda targets: caught.update(positives=_positives(head, targets, caught["cls"]))
                )
            )
        towers = hooks.enter_context(features_seen(head)) if Signal.HEAD_FEATURES in requires else None
        for region_head in _region_heads(student):
            hooks.enter_context(_caught(region_head, lambda _: None))
        losses: dict[str, Any] = student.loss(inputs, list(data_samples))  # type: ignore[operator]
    if {Signal.ANCHORS, Signal.HEAD_FEATURES} & set(requires):
        caught.update(anchors=_anchors(head, caught["cls"]))
    seen = None if towers is None else TowerFeatures(*(tuple(map(tuple, tower)) for tower in towers))
    own = {name: value for name, value in losses.items() if "loss" in name}
    return own, Signals(**caught, towers=seen)


def _anchors(head: Any, cls: Levels) -> Levels:
    """(H, W, A, 4) per level."""
    sizes = [tuple(level.shape[-2:]) for level in cls]
    if not hasattr(head.prior_generator, "num_base_anchors"):
        return ()  # points have none
    priors: list[Tensor] = head.prior_generator.grid_priors(sizes, device=cls[0].device)
    return tuple(level.reshape(*size, -1, 4) for level, size in zip(priors, sizes, strict=True))


def _positives(head: Any, targets: Sequence[Any], cls: Levels) -> Levels:
    """(N, A, H, W) per level of what the head's `get_targets` gave.

    That begins with the labels of each level, GFL's with its anchors before them: (N, H W A) of anchors, and
    of FCOS, image after image, (N H W).
    """
    labels = targets[1] if hasattr(head, "reg_max") else targets[0]
    found = []
    for level, scores in zip(labels, cls, strict=True):
        num_images, (height, width) = len(scores), scores.shape[-2:]
        shaped = level.reshape(num_images, height, width, -1)
        found.append(((shaped >= 0) & (shaped < head.num_classes)).permute(0, 3, 1, 2))
    return tuple(found)


@contextmanager
def _targets_seen(head: Any, take: Callable[[Sequence[Any]], None]) -> Iterator[None]:
    """Take what the head assigns from ground truth, as it assigns it."""
    assign = head.get_targets

    def get_targets(*arguments: Any, **keywords: Any) -> Any:
        targets = assign(*arguments, **keywords)
        take(targets)
        return targets

    head.get_targets = get_targets  # on this head alone, and removed again
    try:
        yield
    finally:
        del head.get_targets


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
