"""The towers of a one-stage head: their features between two convolutions, and the way on from there.

Shapes: N images, C channels, H x W locations of a level. A tower is a stack of convolutions, each followed by
its activation; features are those of before an activation.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import relu

Levels = tuple[Tensor, ...]

_PREDICTORS = {
    "retinanet": ("retina_cls", "retina_reg"),
    "gfl": ("gfl_cls", "gfl_reg"),
    "fcos": ("conv_cls", "conv_reg"),
}
FAMILIES = tuple(_PREDICTORS)
"""The families whose heads have towers."""


@dataclass(frozen=True)
class TowerFeatures:
    """Of the class tower and of the box tower, after each convolution (from 1), the levels (N, C, H, W)."""

    cls: tuple[Levels, ...]
    bbox: tuple[Levels, ...]


@contextmanager
def features_seen(head: Any) -> Iterator[tuple[list[list[Tensor]], list[list[Tensor]]]]:
    """Lists that fill with the features of both towers, by convolution and level, as the head is run.

    Meanwhile the activations leave what they are given as it is.
    """
    found: tuple[list[list[Tensor]], list[list[Tensor]]] = ([], [])
    handles, activations = [], []
    for tower, features in zip((head.cls_convs, head.reg_convs), found, strict=True):
        for conv in tower:
            levels: list[Tensor] = []
            features.append(levels)
            last = conv.norm if conv.with_norm else conv.conv
            handles.append(last.register_forward_hook(_keeper(levels)))
            activations.append((conv.activate, conv.activate.inplace))
            conv.activate.inplace = False
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
        for activation, inplace in activations:
            activation.inplace = inplace


def _keeper(levels: list[Tensor]) -> Any:
    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        levels.append(output.float())

    return keep


class TeacherHead:
    """A teacher's frozen head, to be entered between two convolutions. No module: no checkpoint finds it.

    Everything it gives is float32, whatever it computes in.
    """

    def __init__(self, head: Any, family: str) -> None:
        self._head = head
        self._predictors = tuple(getattr(head, name) for name in _PREDICTORS[family])
        self._dtype = self._predictors[0].weight.dtype

    def features(self, neck: Sequence[Tensor], num_convs: int) -> tuple[Levels, Levels]:
        """Of the class and the box tower after `num_convs` convolutions (1 or more), of neck features."""
        found = []
        for tower in self._towers:
            levels = [self._through(tower[: num_convs - 1], level.to(self._dtype)) for level in neck]
            found.append(tuple(tower[num_convs - 1](level, activate=False).float() for level in levels))
        return found[0], found[1]

    def predictions(
        self, features: tuple[Sequence[Tensor], Sequence[Tensor]], num_convs: int
    ) -> tuple[Levels, Levels]:
        """Class logits (N, A*K, H, W) and box outputs (N, A*B, H, W) of both towers' features there."""
        ends = []
        for tower, levels in zip(self._towers, features, strict=True):
            active = [relu(level.to(self._dtype)) for level in levels]
            ends.append([self._through(tower[num_convs:], level) for level in active])
        logits = tuple(self._predictors[0](level).float() for level in ends[0])
        boxes = [self._predictors[1](level).float() for level in ends[1]]
        return logits, tuple(self._scaled(level, number) for number, level in enumerate(boxes))

    @property
    def _towers(self) -> tuple[Any, Any]:
        return self._head.cls_convs, self._head.reg_convs

    @staticmethod
    def _through(convs: Any, level: Tensor) -> Tensor:
        for conv in convs:
            level = conv(level)
        return level

    def _scaled(self, level: Tensor, number: int) -> Tensor:
        """Box outputs as the head gives them in training: GFL's and FCOS's have a scale a level."""
        if not hasattr(self._head, "scales"):
            return level
        scaled: Tensor = self._head.scales[number](level).float()
        if not hasattr(self._head, "norm_on_bbox"):
            return scaled
        return scaled.clamp(min=0) if self._head.norm_on_bbox else scaled.exp()
