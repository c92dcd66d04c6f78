"""Optimizer and learning-rate schedule from a `ScheduleSpec`; every length is in optimizer steps."""

from typing import Any

import torch
from torch import nn

from frs_core.detectors.wall import CosineAnnealingLR, LinearLR, MultiStepLR, OptimWrapper
from frs_core.spec.schedule import ScheduleSpec


def build_optimizer(model: nn.Module, schedule: ScheduleSpec) -> Any:
    """mmengine's wrapper around the optimizer, clipping gradients where asked."""
    chosen = schedule.optimizer
    optimizer: torch.optim.Optimizer
    if chosen.name == "adamw":
        optimizer = torch.optim.AdamW(model.parameters(), lr=chosen.lr, weight_decay=chosen.weight_decay)
    else:
        optimizer = torch.optim.SGD(
            model.parameters(), lr=chosen.lr, momentum=chosen.momentum, weight_decay=chosen.weight_decay
        )
    clip = {"max_norm": schedule.clip_grad_norm} if schedule.clip_grad_norm else None
    return OptimWrapper(optimizer, clip_grad=clip)


def build_schedulers(optimizer: Any, schedule: ScheduleSpec, steps_per_epoch: int) -> list[Any]:
    """Linear warm-up from a thousandth, then the decay; all advance with every step."""
    total = schedule.epochs * steps_per_epoch
    warmup = min(schedule.warmup_steps, total)
    schedulers = []
    if warmup:
        schedulers.append(LinearLR(optimizer, start_factor=0.001, begin=0, end=warmup, by_epoch=False))
    if schedule.decay == "step":
        milestones = [round(total * 2 / 3), round(total * 11 / 12)]
        schedulers.append(MultiStepLR(optimizer, milestones=milestones, gamma=0.1, by_epoch=False))
    elif schedule.decay == "cosine" and total > warmup:
        schedulers.append(
            CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=0.0, begin=warmup, by_epoch=False)
        )
    return schedulers
