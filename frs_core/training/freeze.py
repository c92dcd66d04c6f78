"""Holds parts of a detector's backbone still, as the zoo's recipes do that start from trained weights."""

from typing import Any, cast

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from frs_core.spec.schedule import ScheduleSpec


def freeze(detector: nn.Module, schedule: ScheduleSpec) -> None:
    """Freeze stages and batch norms of the backbone as the schedule says, from the next `train()` on."""
    backbone = cast(Any, detector.backbone)
    backbone.frozen_stages = schedule.frozen_stages
    backbone.norm_eval = schedule.norm_eval
    if schedule.norm_frozen:
        for module in backbone.modules():
            if isinstance(module, _BatchNorm):
                module.requires_grad_(False)
    detector.train()  # mmdet's backbones freeze themselves there
