"""How long and with what optimizer a detector is trained."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from frs_core.spec.base import Spec


class OptimizerSpec(Spec):
    """The optimizer. `momentum` is used by sgd only."""

    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(default=1e-3, gt=0, le=100)
    weight_decay: float = Field(default=1e-4, ge=0, le=1)
    momentum: float = Field(default=0.9, ge=0, lt=1)


class ScheduleSpec(Spec):
    """Training of one detector. All lengths are of this training, not of the published one."""

    epochs: int = Field(default=12, ge=1, le=1000)
    batch_size: int = Field(default=8, ge=1, le=1024)
    optimizer: OptimizerSpec = OptimizerSpec()
    warmup_steps: int = Field(default=50, ge=0, description="Linear learning-rate warm-up, in steps")
    decay: Literal["step", "cosine", "constant"] = Field(
        default="step", description="step: a tenth after 2/3 and 11/12 of the epochs, as the zoo's 1x"
    )
    clip_grad_norm: float | None = Field(default=10.0, gt=0)
    flip_probability: float = Field(default=0.5, ge=0, le=1)
    checkpoint_every_epochs: int = Field(default=1, ge=1)
    evaluate_every_epochs: int = Field(default=1, ge=1, description="On `val`; the last epoch always is")


class TeacherTraining(Spec):
    """What differs from the experiment's schedule when the teacher itself is trained."""

    epochs: int | None = Field(default=None, ge=1, le=1000)
    batch_size: int | None = Field(default=None, ge=1, le=1024)
    optimizer: OptimizerSpec | None = None

    def applied_to(self, schedule: ScheduleSpec) -> ScheduleSpec:
        """The teacher's schedule."""
        return schedule.model_copy(
            update={
                key: getattr(self, key) for key in type(self).model_fields if getattr(self, key) is not None
            }
        )


class ResourcesSpec(Spec):
    """What one job needs of a worker."""

    gpus: int = Field(default=0, ge=0, le=1, description="0 trains on the CPU")
    data_workers: int = Field(default=0, ge=0, le=16, description="Processes that load images")


def _whole_strides(size: tuple[int, int]) -> tuple[int, int]:
    for name, length in zip(("width", "height"), size, strict=True):
        if not 64 <= length <= 4096:
            raise ValueError(f"{name} is {length}; give 64 to 4096 pixels")
    return size


InputSize = Annotated[tuple[int, int], AfterValidator(_whole_strides)]
"""Width and height in pixels of the network's input, before padding to a multiple of 32."""
