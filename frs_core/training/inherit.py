"""Starts a student with its teacher's neck and heads, where their shapes agree."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

INHERITED_PARTS = ("neck.", "bbox_head.", "rpn_head.", "roi_head.")


@dataclass(frozen=True)
class Inherited:
    """Names of the student's tensors that were copied, and of those of the same parts that were not."""

    copied: tuple[str, ...]
    skipped: tuple[str, ...]

    def as_dict(self) -> dict[str, list[str]]:
        """Plain data."""
        return {key: list(value) for key, value in asdict(self).items()}


@torch.no_grad()
def inherit(student: nn.Module, teacher: Mapping[str, Tensor]) -> Inherited:
    """Copy neck and heads from the teacher's state dict into the student; its backbone stays as it is."""
    copied, skipped = [], []
    for name, tensor in student.state_dict().items():
        if not name.startswith(INHERITED_PARTS):
            continue
        source = teacher.get(name)
        if source is None or source.shape != tensor.shape:
            skipped.append(name)
            continue
        tensor.copy_(source)
        copied.append(name)
    return Inherited(copied=tuple(copied), skipped=tuple(skipped))
