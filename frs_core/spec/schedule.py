"""How long and with what optimizer a detector is trained. docs/training.md explains the options."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from frs_core.spec.base import Spec
from frs_core.spec.faults import fault

DEFAULT_EPOCHS = 12
DEFAULT_GAMMA = 0.1
FP16_NEEDS_GPU = "fp16 needs a GPU: set resources.gpus, or precision to bf16, which also runs on the CPU"


def _network_sizes(size: tuple[int, int]) -> tuple[int, int]:
    for name, length in zip(("width", "height"), size, strict=True):
        if not 64 <= length <= 4096:
            raise ValueError(f"{name} is {length}; give 64 to 4096 pixels")
    return size


InputSize = Annotated[tuple[int, int], AfterValidator(_network_sizes)]
"""Width and height in pixels of the network's input, before padding to a multiple of 32."""


class OptimizerSpec(Spec):
    """The optimizer. `momentum` is used by sgd only; the multipliers are mmengine's `paramwise_cfg`."""

    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(default=1e-3, gt=0, le=100)
    weight_decay: float = Field(default=1e-4, ge=0, le=1)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    bias_lr_mult: float = Field(default=1.0, ge=0, le=100, description="FCOS: 2")
    bias_decay_mult: float = Field(default=1.0, ge=0, le=100, description="FCOS: 0")
    norm_decay_mult: float = Field(default=1.0, ge=0, le=100)


class EmaSpec(Spec):
    """An exponential moving average of the weights, which is then what is evaluated, kept and exported."""

    momentum: float = Field(
        default=0.0002, gt=0, le=0.5, description="Weight of the newest; mmengine's default"
    )


class MultiScaleSpec(Spec):
    """The size that each image is drawn at, anew in every epoch; its aspect ratio is kept.

    `choice` takes one of the sizes; `range` takes width and height, each on its own, from between two sizes,
    both included. They are mmdet's RandomChoiceResize and RandomResize.
    """

    mode: Literal["range", "choice"] = "range"
    sizes: tuple[InputSize, ...] = Field(min_length=2, max_length=64)

    @model_validator(mode="after")
    def _range_has_two_ends(self) -> "MultiScaleSpec":
        if self.mode == "choice":
            return self
        if len(self.sizes) != 2:
            message = f"a range has 2 ends, not {len(self.sizes)}: give two sizes, or `mode: choice`"
            raise fault("sizes", self.sizes, message)
        (low_width, low_height), (high_width, high_height) = self.sizes
        if low_width > high_width or low_height > high_height:
            raise fault("sizes", self.sizes, "the first size of a range must not be larger than the second")
        return self


@dataclass(frozen=True)
class Length:
    """How long a training is, in optimizer steps; it may end within an epoch."""

    steps: int
    steps_per_epoch: int

    @property
    def epochs(self) -> int:
        """Whole epochs."""
        return self.steps // self.steps_per_epoch


class _ScheduleFields(Spec):
    """The options of a training; what they must be to each other is checked by `ScheduleSpec`."""

    epochs: int | None = Field(
        default=None, ge=1, le=1000, description="12 where `steps` is not given either"
    )
    steps: int | None = Field(default=None, ge=1, le=10_000_000, description="Optimizer steps, not epochs")
    batch_size: int = Field(default=8, ge=1, le=1024)
    accumulate: int = Field(default=1, ge=1, le=1024, description="Batches whose gradients make one step")
    optimizer: OptimizerSpec = OptimizerSpec()
    reference_batch: int | None = Field(
        default=None,
        ge=1,
        le=65536,
        description="Images a step that `optimizer.lr` is for: it is scaled linearly",
    )
    warmup: Literal["linear", "constant"] = Field(
        default="linear", description="The rate rises from the start factor, or stays at it and then jumps"
    )
    warmup_steps: int = Field(default=50, ge=0, description="Length of the warm-up, in steps")
    warmup_start_factor: float = Field(
        default=0.001, gt=0, le=1, description="Of the rate, at the first step"
    )
    decay: Literal["step", "cosine", "linear", "constant"] = Field(
        default="step", description="Cosine and linear end at 0; step multiplies by `gamma` at each milestone"
    )
    milestones: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(
        default=None,
        max_length=20,
        description="Of the step decay: epochs, or steps where `steps` is given; 2/3 and 11/12 by default",
    )
    gamma: float = Field(default=DEFAULT_GAMMA, gt=0, le=1)
    clip_grad_norm: float | None = Field(default=10.0, gt=0)
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32", description="Of the student's forward pass; fp16 needs a GPU"
    )
    ema: EmaSpec | None = None
    frozen_stages: int = Field(
        default=-1, ge=-1, le=4, description="Of the backbone: -1 none, 0 the stem, n the stem and n stages"
    )
    norm_eval: bool = Field(default=False, description="The backbone's batch norms keep their statistics")
    norm_frozen: bool = Field(
        default=False, description="Nor are their scale and shift trained (the zoo's caffe-style backbones)"
    )
    flip_probability: float = Field(default=0.5, ge=0, le=1)
    multi_scale: MultiScaleSpec | None = Field(
        default=None, description="In training, instead of `input_size`"
    )
    checkpoint_every_epochs: int = Field(default=1, ge=1)
    checkpoint_every_steps: int | None = Field(default=None, ge=1, description="Besides those of the epochs")
    keep_states: int | None = Field(
        default=None, ge=1, le=1000, description="Newest states to keep; the worker's own limit by default"
    )
    evaluate_every_epochs: int = Field(default=1, ge=1, description="On `val`; the end always is")


class ScheduleSpec(_ScheduleFields):
    """Training of one detector. All lengths are of this training, not of the published one."""

    @model_validator(mode="before")
    @classmethod
    def _some_length(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("epochs") is None and data.get("steps") is None:
            return {**data, "epochs": DEFAULT_EPOCHS}
        return data

    @model_validator(mode="after")
    def _fits_together(self) -> "ScheduleSpec":
        if self.epochs is not None and self.steps is not None:
            raise fault("steps", self.steps, "give either `epochs` or `steps`, not both")
        if self.norm_frozen and not self.norm_eval:
            raise fault("norm_frozen", True, "it goes with `norm_eval: true`: set both or neither")
        if self.decay != "step":
            self._refuse_unused()
        elif self.milestones is not None:
            self._check_milestones(self.milestones)
        return self

    def _refuse_unused(self) -> None:
        for field, used in (
            ("milestones", self.milestones is not None),
            ("gamma", self.gamma != DEFAULT_GAMMA),
        ):
            if used:
                message = f"a {self.decay} decay has no {field}: leave it out, or set `decay: step`"
                raise fault(field, getattr(self, field), message)

    def _check_milestones(self, milestones: tuple[int, ...]) -> None:
        unit, length = ("steps", self.steps) if self.steps is not None else ("epochs", self.epochs)
        assert length is not None
        if list(milestones) != sorted(set(milestones)) or (milestones and milestones[-1] >= length):
            message = f"milestones must rise and lie before the end, at {length} {unit}"
            raise fault("milestones", list(milestones), message)

    @property
    def images_per_step(self) -> int:
        """How many images an optimizer step sees; the last of an epoch may see fewer."""
        return self.batch_size * self.accumulate

    @property
    def learning_rate(self) -> float:
        """The rate after warm-up: `optimizer.lr`, scaled where `reference_batch` asks for it."""
        if self.reference_batch is None:
            return self.optimizer.lr
        return self.optimizer.lr * self.images_per_step / self.reference_batch

    def length(self, num_images: int) -> Length:
        """The length of a training on a split of so many images, each seen once an epoch."""
        per_epoch = math.ceil(num_images / self.images_per_step)
        if self.steps is not None:
            return Length(steps=self.steps, steps_per_epoch=per_epoch)
        assert self.epochs is not None
        return Length(steps=self.epochs * per_epoch, steps_per_epoch=per_epoch)


class TeacherTraining(_ScheduleFields):
    """What differs from the experiment's schedule when the teacher itself is trained: the fields given."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_given(cls, data: Any) -> Any:
        """Of the fields that version 0.1.0 stored as null where they were left out."""
        if not isinstance(data, Mapping):
            return data
        nullable = ("epochs", "batch_size", "optimizer")
        return {key: value for key, value in data.items() if value is not None or key not in nullable}

    @model_serializer(mode="wrap")
    def _given_alone(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialize(self).items() if key in self.model_fields_set}

    def applied_to(self, schedule: ScheduleSpec) -> ScheduleSpec:
        """The teacher's schedule. Raises ValidationError where the fields given do not fit the others."""
        given = self.model_dump()
        merged = schedule.model_dump() | given
        for length, other in (("epochs", "steps"), ("steps", "epochs")):
            if given.get(length) is not None and other not in given:
                merged[other] = None
        return ScheduleSpec.model_validate(merged)


class ResourcesSpec(Spec):
    """What one job needs of a worker. On GPUs there is one process for each."""

    gpus: int = Field(default=0, ge=0, le=64, description="0 trains on the CPU")
    processes: int = Field(
        default_factory=lambda others: max(1, others.get("gpus", 1)),
        ge=1,
        le=64,
        description="That train together, each on an equal share of every batch",
    )
    data_workers: int = Field(
        default=0, ge=0, le=16, description="Processes that load images, for each that trains"
    )

    @model_validator(mode="after")
    def _one_process_for_each_gpu(self) -> "ResourcesSpec":
        if self.gpus and self.processes != self.gpus:
            message = f"each GPU has one process: leave `processes` out, or give {self.gpus}"
            raise fault("processes", self.processes, message)
        return self


def check_shares(batch_size: int, resources: ResourcesSpec, field: str) -> None:
    """Raise a ValidationError at `field` unless the processes can share a batch equally."""
    count = resources.processes
    if batch_size % count:
        message = (
            f"{count} processes cannot share a batch of {batch_size} equally: "
            f"give a multiple of {count}, or other `resources.processes`"
        )
        raise fault(field, batch_size, message)


def check_training(
    schedule: ScheduleSpec,
    resources: ResourcesSpec,
    *,
    from_scratch: bool,
    detector: str = "detector",
    field: str = "schedule",
) -> None:
    """Raise a ValidationError where a detector that starts so cannot be trained so with these resources."""
    check_shares(schedule.batch_size, resources, f"{field}.batch_size")
    if schedule.precision == "fp16" and resources.gpus == 0:
        raise fault(f"{field}.precision", "fp16", FP16_NEEDS_GPU)
    if from_scratch and schedule.frozen_stages >= 0:
        message = (
            f"this would freeze random layers, for the {detector} starts from scratch: start it with "
            "`init: imagenet` or a checkpoint, or set -1"
        )
        raise fault(f"{field}.frozen_stages", schedule.frozen_stages, message)
