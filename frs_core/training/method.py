"""Builds what a job names as its method for the two detectors it has."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from torch import Tensor, nn

from frs_core import zoo
from frs_core.detectors.signals import Signals
from frs_core.methods.batch import Batch, Levels
from frs_core.spec.job import JobSpec


class Method(Protocol):
    """What the training calls."""

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:
        """Weighted scalar terms by name, to be added to the detector's own losses."""


class Weighted(nn.Module):
    """The terms of one or several methods, each method's times its weight."""

    def __init__(self, parts: Sequence[tuple[nn.Module, float]]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(method for method, _ in parts)
        self._weights = [weight for _, weight in parts]

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:
        """Every term of every part. Each begins with its method's name, so that no two are alike."""
        terms: dict[str, Tensor] = {}
        for part, weight in zip(self.parts, self._weights, strict=True):
            own = cast(Method, part).losses(student, teacher, batch, step)
            assert not own.keys() & terms.keys(), "two methods name a term alike"
            terms |= {name: term if weight == 1 else term * weight for name, term in own.items()}
        return terms

    def diagnostics(self, student: Signals, teacher: Signals, batch: Batch) -> dict[str, Tensor]:
        """What the parts tell of themselves. No part of the loss."""
        found: dict[str, Tensor] = {}
        for part in self.parts:
            if hasattr(part, "diagnostics"):
                found |= cast(Any, part).diagnostics(student, teacher, batch)
        return found


def build_method(spec: JobSpec) -> Weighted:
    """The job's methods; their adapters draw their weights from a generator of their own."""
    assert spec.method is not None
    assert spec.teacher is not None
    levels = Levels(
        num_levels=len(zoo.entry(spec.detector.zoo).strides),
        student_channels=spec.detector.resolved_fpn_channels,
        teacher_channels=spec.teacher.detector.resolved_fpn_channels,
        family=spec.detector.family,
    )
    parts = []
    for part in spec.method.parts:
        module: Any = import_module(f"frs_core.methods.{part.name}.loss")
        options = part.resolve(spec.detector.family)
        parts.append((module.Method(options, levels, seed=spec.seed), part.weight))
    return Weighted(parts)
