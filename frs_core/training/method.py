"""Builds the method a job names for the two detectors it has."""

from importlib import import_module
from typing import Any, Protocol, cast

from torch import Tensor, nn

from frs_core.detectors.signals import Signals
from frs_core.methods.batch import Batch, Levels
from frs_core.spec.job import JobSpec


class Method(Protocol):
    """What the training calls."""

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:
        """Weighted scalar terms by name, to be added to the detector's own losses."""


def build_method(spec: JobSpec) -> nn.Module:
    """The method's module; its adapters draw their weights from a generator of their own."""
    assert spec.method is not None
    assert spec.teacher is not None
    from frs_core import zoo

    module: Any = import_module(f"frs_core.methods.{spec.method.name}.loss")
    levels = Levels(
        num_levels=len(zoo.entry(spec.detector.zoo).strides),
        student_channels=spec.detector.resolved_fpn_channels,
        teacher_channels=spec.teacher.detector.resolved_fpn_channels,
    )
    options = spec.method.resolve(spec.detector.family)
    return cast(nn.Module, module.Method(options, levels, seed=spec.seed))
