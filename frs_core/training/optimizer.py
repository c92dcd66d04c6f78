"""Optimizer and learning-rate schedule from a `ScheduleSpec`; every length is in optimizer steps."""

from typing import Any

from torch import nn

from frs_core.detectors.wall import (
    AmpOptimWrapper,
    ConstantLR,
    CosineAnnealingLR,
    DefaultOptimWrapperConstructor,
    LinearLR,
    MultiStepLR,
    OptimWrapper,
    get_device,
)
from frs_core.distributed import average_gradients
from frs_core.errors import SpecError
from frs_core.spec.schedule import FP16_NEEDS_GPU, Length, OptimizerSpec, ScheduleSpec


class AveragingOptimWrapper(OptimWrapper):  # type: ignore[misc]
    """mmengine's wrapper; each step is one of all processes' mean gradient, which is then clipped."""

    def step(self, **options: Any) -> None:
        """Average, clip, step."""
        _average(self)
        super().step(**options)


class AveragingAmpOptimWrapper(AmpOptimWrapper):  # type: ignore[misc]
    """The same with a scaled loss; all processes find the same scale, for they see the same gradients."""

    def step(self, **options: Any) -> None:
        """Average, unscale, clip, step."""
        _average(self)
        super().step(**options)


def _average(wrapper: Any) -> None:
    average_gradients(parameter for group in wrapper.param_groups for parameter in group["params"])


def build_optimizer(model: nn.Module, schedule: ScheduleSpec) -> Any:
    """mmengine's wrapper around the optimizer, clipping gradients where asked; in fp16 it scales the loss.

    Raises SpecError for fp16 on a machine without a GPU.
    """
    wrapper: dict[str, Any] = {"type": AveragingOptimWrapper, "optimizer": _optimizer(schedule)}
    if schedule.clip_grad_norm:
        wrapper["clip_grad"] = {"max_norm": schedule.clip_grad_norm}
    if schedule.precision == "fp16":
        if get_device() == "cpu":
            raise SpecError(f"schedule.precision is fp16: {FP16_NEEDS_GPU}", field="schedule.precision")
        wrapper |= {"type": AveragingAmpOptimWrapper, "dtype": "float16"}
    return DefaultOptimWrapperConstructor(wrapper, _by_parameter(schedule.optimizer))(model)


def _optimizer(schedule: ScheduleSpec) -> dict[str, Any]:
    chosen = schedule.optimizer
    common = {"lr": schedule.learning_rate, "weight_decay": chosen.weight_decay}
    if chosen.name == "adamw":
        return {"type": "AdamW", **common}
    return {"type": "SGD", "momentum": chosen.momentum, **common}


def _by_parameter(chosen: OptimizerSpec) -> dict[str, float] | None:
    """None where all parameters are treated alike: they are then one group, which is faster."""
    names = ("bias_lr_mult", "bias_decay_mult", "norm_decay_mult")
    multipliers = {name: getattr(chosen, name) for name in names}
    return None if set(multipliers.values()) == {1.0} else multipliers


def learning_rate(optimizer: Any) -> float:
    """The rate of the step to come; where parameters differ, of those without a multiplier."""
    rates = optimizer.get_lr()
    return float(rates.get("base_lr", rates["lr"])[0])


def build_schedulers(optimizer: Any, schedule: ScheduleSpec, length: Length) -> list[Any]:
    """The warm-up, then the decay; all advance with every step."""
    warmup = min(schedule.warmup_steps, length.steps)
    return _warmup(optimizer, schedule, warmup) + _decay(optimizer, schedule, length, warmup)


def _warmup(optimizer: Any, schedule: ScheduleSpec, steps: int) -> list[Any]:
    if not steps:
        return []
    factor = schedule.warmup_start_factor
    if schedule.warmup == "constant":
        return [ConstantLR(optimizer, factor=factor, begin=0, end=steps, by_epoch=False)]
    return [LinearLR(optimizer, start_factor=factor, begin=0, end=steps, by_epoch=False)]


def _decay(optimizer: Any, schedule: ScheduleSpec, length: Length, warmup: int) -> list[Any]:
    left = length.steps - warmup
    if schedule.decay == "step":
        milestones = _milestones(schedule, length)
        return [MultiStepLR(optimizer, milestones=milestones, gamma=schedule.gamma, by_epoch=False)]
    if schedule.decay == "cosine" and left:
        return [CosineAnnealingLR(optimizer, T_max=left, eta_min=0.0, begin=warmup, by_epoch=False)]
    if schedule.decay == "linear" and left:
        # One step longer than the training: its last step would otherwise do nothing.
        end = length.steps + 1
        return [LinearLR(optimizer, start_factor=1.0, end_factor=0.0, begin=warmup, end=end, by_epoch=False)]
    return []


def _milestones(schedule: ScheduleSpec, length: Length) -> list[int]:
    if schedule.milestones is None:
        return [round(length.steps * 2 / 3), round(length.steps * 11 / 12)]
    unit = 1 if schedule.steps is not None else length.steps_per_epoch
    return [milestone * unit for milestone in schedule.milestones]
