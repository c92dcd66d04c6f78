"""Focal and global distillation.

Source: Yang et al., "Focal and Global Knowledge Distillation for Detectors", CVPR 2022. Shapes: N images, C
channels of a level, H x W its locations; lists run over levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from frs_core.detectors.seeds import seeded
from frs_core.detectors.signals import Signals
from frs_core.imitation.adapter import adapters_where_needed
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.fgd.context import GlobalContext
from frs_core.methods.fgd.options import Options

Contexts = Sequence[tuple[nn.Module, nn.Module]]
"""Of each level the student's and the teacher's block."""


def fgd_terms(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    boxes: Sequence[Tensor],
    input_shape: tuple[int, int],
    contexts: Contexts,
    *,
    temperature: float,
) -> dict[str, Tensor]:
    """The four terms before their weights (equations 8, 10 and 12), summed over levels, averaged over images.

    Features (N, C, H, W), the student's adapted; `boxes` one (M, 4) an image, x1 y1 x2 y2 in pixels of the
    input (height, width).
    """
    found: dict[str, list[Tensor]] = {"foreground": [], "background": [], "attention": [], "relation": []}
    for ours, theirs, (context, their_context) in zip(
        map(Tensor.float, student), map(Tensor.float, teacher), contexts, strict=True
    ):
        spatial, channel = attention(theirs, temperature)
        error = (((ours - theirs).square() * channel[:, :, None, None]).sum(dim=1)) * spatial  # (N, H, W)
        inside, outside = area_masks(boxes, (ours.shape[-2], ours.shape[-1]), input_shape)
        found["foreground"].append((error * inside).sum())
        found["background"].append((error * outside).sum())
        own_spatial, own_channel = attention(ours, temperature)
        found["attention"].append((own_spatial - spatial).abs().sum() + (own_channel - channel).abs().sum())
        found["relation"].append((context(ours) - their_context(theirs)).square().sum())
    return {name: torch.stack(terms).sum() / len(boxes) for name, terms in found.items()}


def fgd_loss(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    boxes: Sequence[Tensor],
    input_shape: tuple[int, int],
    contexts: Contexts,
    *,
    options: Options,
) -> Tensor:
    """The weighted sum of `fgd_terms` (equations 9, 11 and 12)."""
    assert options.temperature is not None
    terms = fgd_terms(student, teacher, boxes, input_shape, contexts, temperature=options.temperature)
    return torch.stack([term * getattr(options, f"{name}_weight") for name, term in terms.items()]).sum()


def attention(features: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Spatial (N, H, W) and channel (N, C) attention of features (N, C, H, W), equations 3 to 6.

    The softmax of the mean magnitude over the temperature; each has a mean of 1.
    """
    magnitude = features.abs()
    height, width = features.shape[-2:]
    spatial = (magnitude.mean(dim=1).flatten(1) / temperature).softmax(dim=1) * (height * width)
    channel = (magnitude.mean(dim=(2, 3)) / temperature).softmax(dim=1) * features.shape[1]
    return spatial.reshape(-1, height, width), channel


def area_masks(
    boxes: Sequence[Tensor], size: tuple[int, int], input_shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Foreground and background (N, H, W), equations 1, 2 and 7.

    A location inside a box counts one over that box's area in locations, by the smallest of its boxes; one
    outside all boxes counts one over the number of these. Boxes are widened to whole locations.
    """
    inside = torch.stack([_inside(each, size, input_shape) for each in boxes])
    outside = (inside == 0).float()
    return inside, outside / outside.sum(dim=(1, 2), keepdim=True).clamp(min=1)


def _inside(boxes: Tensor, size: tuple[int, int], input_shape: tuple[int, int]) -> Tensor:
    height, width = size
    if not len(boxes):
        return boxes.new_zeros(size)
    x1, y1, x2, y2 = boxes.float().unbind(dim=1)
    left, right = (x1 / input_shape[1] * width).floor(), (x2 / input_shape[1] * width).ceil()
    top, bottom = (y1 / input_shape[0] * height).floor(), (y2 / input_shape[0] * height).ceil()
    x = torch.arange(width, device=boxes.device)
    y = torch.arange(height, device=boxes.device)
    columns = (left[:, None] <= x) & (x <= right[:, None])  # (M, W)
    rows = (top[:, None] <= y) & (y <= bottom[:, None])  # (M, H)
    weight = 1 / ((bottom + 1 - top) * (right + 1 - left))
    return ((rows[:, :, None] & columns[:, None]) * weight[:, None, None]).amax(dim=0)


class Method(nn.Module):
    """Four terms, `fgd_foreground`, `fgd_background`, `fgd_attention` and `fgd_relation`."""

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__()
        self._options = options
        self.adapters = adapters_where_needed(levels, seed=seed)
        with seeded(seed, "contexts"):
            self.student_contexts, self.teacher_contexts = (
                nn.ModuleList(GlobalContext(levels.teacher_channels) for _ in range(levels.num_levels))
                for _ in range(2)
            )

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The weighted terms."""
        assert self._options.temperature is not None
        with torch.autocast(teacher.neck[0].device.type, enabled=False):
            terms = fgd_terms(
                [level.float() for level in self.adapters(student.neck)],
                teacher.neck,
                [sample.gt_instances.bboxes for sample in batch.data_samples],
                batch.input_shape,
                tuple(zip(self.student_contexts, self.teacher_contexts, strict=True)),
                temperature=self._options.temperature,
            )
        return {
            f"fgd_{name}": term * getattr(self._options, f"{name}_weight") for name, term in terms.items()
        }
