"""The model that mmengine trains: a student, a method, and a teacher that is no part of it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from frs_core.detectors.seeds import seeded
from frs_core.detectors.signals import Signals, student_losses, teacher_signals
from frs_core.detectors.wall import BaseModel, OptimWrapper, fuse_conv_bn
from frs_core.errors import NonFiniteLossError
from frs_core.methods import Signal
from frs_core.methods.batch import Batch
from frs_core.training.inherit import Inherited
from frs_core.training.method import Method


@dataclass(frozen=True)
class Teacher:
    """A frozen detector in eval mode. Not a module, so that no checkpoint or optimizer ever finds it.

    Its batch norms are folded into its convolutions, which changes its signals by rounding only.
    """

    detector: nn.Module
    family: str
    requires: frozenset[Signal]

    def __post_init__(self) -> None:
        self.detector.eval().requires_grad_(False)
        fuse_conv_bn(self.detector)

    def signals(self, images: list[Tensor]) -> Signals:
        """The signals of raw images, normalised by the teacher's own preprocessor."""
        return teacher_signals(self.detector, self.family, images, self.requires)


class DistillingDetector(BaseModel):  # type: ignore[misc]
    """A student with its own losses plus the method's terms."""

    def __init__(
        self,
        student: nn.Module,
        method: nn.Module | None,
        teacher: Teacher | None,
        *,
        seed: int,
        inherited: Inherited | None = None,
    ) -> None:
        super().__init__(data_preprocessor=None)
        self.student = student
        self.method = method
        self._teacher = teacher
        self._seed = seed
        self.inherited = inherited
        self.step = 0
        self.diagnose_every = 1
        self.diagnostics: dict[str, float] = {}
        self._plain_names: frozenset[str] = frozenset()
        self._diagnose: Callable[[], dict[str, float]] = dict

    def init_weights(self) -> None:
        """Nothing: both parts were initialised, each from its own generator, when they were built."""

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        """The student's forward pass."""
        return self.student(inputs, data_samples, mode=mode)

    def train_step(self, data: Mapping[str, Any], optim_wrapper: OptimWrapper) -> dict[str, float]:
        """One optimizer step. Returns the value of every term, of `plain_loss` and of `loss`, their sum."""
        self.diagnostics = {}
        with optim_wrapper.optim_context(self):
            terms = self.terms(data)
        values = {name: float(term.detach()) for name, term in terms.items()}
        self._refuse_nonfinite(values, data)
        self._diagnose = dict  # it holds the step's graph
        optim_wrapper.update_params(torch.stack(list(terms.values())).sum())
        plain = sum(value for name, value in values.items() if name in self._plain_names)
        self.step += 1
        return {**values, "plain_loss": plain, "loss": sum(values.values())}

    def terms(self, data: Mapping[str, Any]) -> dict[str, Tensor]:
        """Every term of the loss as a scalar: the detector's own (cls, bbox, ...), then the method's."""
        images = list(data["inputs"])
        teacher = self._teacher.signals(images) if self._teacher is not None else None
        prepared = cast(nn.Module, self.student.data_preprocessor)(data, True)
        # A two-stage detector samples regions: by (seed, step), whatever the method and wherever a run began.
        with seeded(self._seed, "regions", self.step):
            losses, signals = student_losses(self.student, prepared["inputs"], prepared["data_samples"])
        terms = {name.replace("loss_", ""): _as_scalar(value) for name, value in losses.items()}
        self._plain_names = frozenset(terms)
        if self.method is None or teacher is None:
            return terms
        batch = Batch(data_samples=prepared["data_samples"], input_shape=tuple(prepared["inputs"].shape[-2:]))
        extra = cast(Method, self.method).losses(signals, teacher, batch, self.step)
        assert not extra.keys() & terms.keys(), "a method's term has the name of one of the detector's"
        self._diagnose = lambda: self._diagnostics(signals, teacher, batch)
        if self.step % self.diagnose_every == 0:
            self.diagnostics = self._diagnose()
        return terms | extra

    def _diagnostics(self, student: Signals, teacher: Signals, batch: Batch) -> dict[str, float]:
        diagnose = getattr(self.method, "diagnostics", None)
        found: dict[str, Tensor] = {} if diagnose is None else diagnose(student, teacher, batch)
        return {name: float(value) for name, value in found.items()}

    def _refuse_nonfinite(self, values: Mapping[str, float], data: Mapping[str, Any]) -> None:
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if not bad:
            return
        beyond = [name for name, value in self._diagnose().items() if not math.isfinite(value)]
        where = f" ({', '.join(beyond)})" if beyond else ""
        raise NonFiniteLossError(
            f"the loss term {bad[0]!r} became {values[bad[0]]} at step {self.step}{where}: lower "
            "schedule.optimizer.lr or the method's weights, or lengthen schedule.warmup_steps",
            step=self.step,
            values=values,
            image_ids=[sample.img_id for sample in data["data_samples"]],
        )


def _as_scalar(value: Tensor | list[Tensor]) -> Tensor:
    """mmdet gives a term as one tensor or as one a level."""
    return value.mean() if isinstance(value, Tensor) else torch.stack([level.mean() for level in value]).sum()
