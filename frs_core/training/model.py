"""The model that mmengine trains: a student, a method, and a teacher that is no part of it."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from frs_core.detectors.seeds import seeded
from frs_core.detectors.signals import Signals, teacher_signals
from frs_core.detectors.student_signals import student_losses
from frs_core.detectors.wall import BaseModel, ExponentialMovingAverage, OptimWrapper, fuse_conv_bn
from frs_core.distributed import gather, mean
from frs_core.errors import NonFiniteLossError
from frs_core.methods import Signal
from frs_core.methods.batch import Batch
from frs_core.spec.schedule import ScheduleSpec
from frs_core.training.inherit import Inherited
from frs_core.training.method import Method

_AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Teacher:
    """A frozen detector in eval mode. Not a module, so that no checkpoint or optimizer ever finds it.

    Its batch norms are folded into its convolutions and its weights laid out channels-last, which is
    faster and changes its signals by rounding only. It computes in `dtype`; its signals are float32.
    """

    detector: nn.Module
    family: str
    requires: frozenset[Signal]
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        self.detector.eval().requires_grad_(False)
        fuse_conv_bn(self.detector)
        for name, part in self.detector.named_children():
            if name != "data_preprocessor":  # which normalises in float32
                part.to(dtype=self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def signals(self, images: list[Tensor]) -> Signals:
        """The signals of raw images, normalised by the teacher's own preprocessor."""
        return teacher_signals(self.detector, self.family, images, self.requires)

    def close(self) -> None:
        """Nothing to give back."""


class SignalSource(Protocol):
    """A frozen teacher, or what stands for it. `requires` is what the methods read, of it and the student."""

    @property
    def requires(self) -> frozenset[Signal]:
        """What the methods read."""

    def signals(self, images: list[Tensor]) -> Signals:
        """The signals of raw images (C, H, W), uint8."""

    def close(self) -> None:
        """Give back what it holds besides memory."""


class DistillingDetector(BaseModel):  # type: ignore[misc]
    """A student with its own losses plus the method's terms.

    In bf16 or fp16 only the student's forward pass is autocast; every loss is computed in float32, from
    float32 copies of its outputs, and so is all of the method, its adapters included, and of the teacher.
    """

    def __init__(
        self,
        student: nn.Module,
        method: nn.Module | None,
        teacher: SignalSource | None,
        *,
        seed: int,
        schedule: ScheduleSpec,
        inherited: Inherited | None = None,
    ) -> None:
        super().__init__(data_preprocessor=None)
        self.student = student
        self.method = method
        self.average: Any = None
        if schedule.ema is not None:
            self.average = ExponentialMovingAverage(student, momentum=schedule.ema.momentum)
        self._autocast = _AUTOCAST[schedule.precision]
        self._teacher = teacher
        self._requires = frozenset[Signal]() if teacher is None else teacher.requires
        self._seed = seed
        self.inherited = inherited
        self.step = 0
        self.diagnose_every = 1
        self.diagnostics: dict[str, float] = {}
        self._plain_names: frozenset[str] = frozenset()
        self._diagnose: Callable[[], dict[str, float]] = dict

    @property
    def trained(self) -> nn.Module:
        """What is evaluated, kept and exported: the student, or its moving average where there is one."""
        return self.student if self.average is None else cast(nn.Module, self.average.module)

    def finished(self) -> nn.Module:
        """`trained`, with parts that were held still told from the others as in the student itself."""
        for own, trained in zip(self.student.parameters(), self.trained.parameters(), strict=True):
            trained.requires_grad_(own.requires_grad)
        return self.trained

    def read_teacher_through(self, wrap: Callable[[Teacher], SignalSource]) -> None:
        """Have another source stand for the teacher, if there is one."""
        if isinstance(self._teacher, Teacher):
            self._teacher = wrap(self._teacher)

    def close(self) -> None:
        """Give back what the teacher holds besides memory."""
        if self._teacher is not None:
            self._teacher.close()

    def init_weights(self) -> None:
        """Nothing: both parts were initialised, each from its own generator, when they were built."""

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        """The student's forward pass."""
        return self.student(inputs, data_samples, mode=mode)

    def train_step(self, data: Sequence[Mapping[str, Any]], optim_wrapper: OptimWrapper) -> dict[str, float]:
        """One optimizer step on the batches of `data`, their losses averaged by their number of images.

        Returns the average of every term, of `plain_loss` and of `loss`, their sum.
        """
        self.diagnostics = {}
        num_images = sum(len(batch["inputs"]) for batch in data)
        values: defaultdict[str, float] = defaultdict(float)
        for part, batch in enumerate(data):
            share = len(batch["inputs"]) / num_images
            for name, value in self._backward(batch, part, share, optim_wrapper).items():
                values[name] += value * share
        optim_wrapper.step()
        optim_wrapper.zero_grad()
        if self.average is not None:
            self.average.update_parameters(self.student)
        self.step += 1
        plain = sum(value for name, value in values.items() if name in self._plain_names)
        return {**values, "plain_loss": plain, "loss": sum(values.values())}

    def _backward(
        self, batch: Mapping[str, Any], part: int, share: float, optim_wrapper: OptimWrapper
    ) -> dict[str, float]:
        """Add the gradients of a part of the step, which is so large a share of it. Gives its terms."""
        terms = self.terms(batch, part)
        values = _averaged(terms)
        self._refuse_nonfinite(values, batch)
        self._diagnose = dict  # it holds the graph
        optim_wrapper.backward(torch.stack(list(terms.values())).sum() * share)
        return values

    def terms(self, data: Mapping[str, Any], part: int = 0) -> dict[str, Tensor]:
        """Every term of the loss as a scalar: the detector's own (cls, bbox, ...), then the method's.

        `data` is one batch, the `part`-th of its step.
        """
        images = list(data["inputs"])
        teacher = self._teacher.signals(images) if self._teacher is not None else None
        prepared = cast(nn.Module, self.student.data_preprocessor)(data, True)
        losses, signals = self._student_losses(prepared, part)
        terms = {name.replace("loss_", ""): _as_scalar(value) for name, value in losses.items()}
        self._plain_names = frozenset(terms)
        if self.method is None or teacher is None:
            return terms
        batch = Batch(data_samples=prepared["data_samples"], input_shape=tuple(prepared["inputs"].shape[-2:]))
        extra = cast(Method, self.method).losses(signals, teacher, batch, self.step)
        assert not extra.keys() & terms.keys(), "a method's term has the name of one of the detector's"
        self._diagnose = lambda: self._diagnostics(signals, teacher, batch)
        if part == 0 and self.step % self.diagnose_every == 0:
            self.diagnostics = self._diagnose()
        return terms | extra

    def _student_losses(self, prepared: Mapping[str, Any], part: int) -> tuple[dict[str, Any], Signals]:
        inputs = prepared["inputs"]
        lowered = torch.autocast(inputs.device.type, self._autocast, enabled=self._autocast is not None)
        # A two-stage detector samples regions: by (seed, step), whatever the method and wherever a run began.
        with lowered, seeded(self._seed, "regions", self.step, part):
            return student_losses(self.student, inputs, prepared["data_samples"], self._requires)

    def _diagnostics(self, student: Signals, teacher: Signals, batch: Batch) -> dict[str, float]:
        diagnose = getattr(self.method, "diagnostics", None)
        found: dict[str, Tensor] = {} if diagnose is None else diagnose(student, teacher, batch)
        return _averaged(found)

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
            image_ids=gather([sample.img_id for sample in data["data_samples"]]),
        )


def _averaged(values: Mapping[str, Tensor]) -> dict[str, float]:
    """Scalars as numbers: of the whole batch, where several processes share it."""
    if not values:
        return {}
    found: list[float] = mean(torch.stack([value.detach() for value in values.values()])).tolist()
    return dict(zip(values, found, strict=True))


def _as_scalar(value: Tensor | list[Tensor]) -> Tensor:
    """mmdet gives a term as one tensor or as one a level."""
    return value.mean() if isinstance(value, Tensor) else torch.stack([level.mean() for level in value]).sum()
