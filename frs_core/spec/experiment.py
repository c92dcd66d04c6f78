"""What a user submits: methods x seeds over one teacher, student and data set."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from frs_core import methods
from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.matching import check_pair
from frs_core.spec.method import MethodSpec
from frs_core.spec.schedule import InputSize, ResourcesSpec, ScheduleSpec, TeacherTraining

MAX_JOBS = 1000
TEACHER_LABEL = "teacher"
"""The teacher's row in every comparison."""


class TeacherSpec(Spec):
    """The teacher: trained first, or given as a checkpoint (a path, or the id of a stored one)."""

    detector: DetectorSpec
    train: TeacherTraining | None = None
    checkpoint: str | None = Field(default=None, min_length=1, max_length=4096)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    min_ap: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="No student is trained under a teacher below this AP on val (a fraction)",
    )

    @model_validator(mode="after")
    def _one_source(self) -> "TeacherSpec":
        if self.train is not None and self.checkpoint is not None:
            raise fault("train", "given", "give either `train` or `checkpoint`, not both")
        return self


class StudentSpec(Spec):
    """The student."""

    detector: DetectorSpec


def _one_or_more_methods(value: Any) -> Any:
    return (
        [{"name": item} if isinstance(item, str) else item for item in value]
        if isinstance(value, list)
        else value
    )


Methods = Annotated[
    tuple[MethodSpec, ...], BeforeValidator(_one_or_more_methods), Field(min_length=1, max_length=100)
]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class ExperimentSpec(Spec):
    """A matrix of methods x seeds. Expanded into jobs by `frs_core.spec.expand`."""

    schema_version: Literal[1] = 1
    name: Name
    dataset: DatasetSpec
    input_size: InputSize
    teacher: TeacherSpec
    student: StudentSpec
    schedule: ScheduleSpec = ScheduleSpec()
    methods: Methods
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1, max_length=100)
    resources: ResourcesSpec = ResourcesSpec()
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    submitted_by: Name | None = None

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a seed is named twice; the same seed gives the same run")
        return value

    @field_validator("methods")
    @classmethod
    def _labels_differ(cls, value: tuple[MethodSpec, ...]) -> tuple[MethodSpec, ...]:
        labels = [method.display_label for method in value]
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(f"two methods are labelled {repeated[0]!r}; give each its own `label`")
        for method in value:
            if method.label == TEACHER_LABEL or method.label in set(methods.names()) - {method.name}:
                raise ValueError(
                    f"{method.label!r} is what a comparison calls another row; "
                    f"give {method.name} another `label`"
                )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "ExperimentSpec":
        if len(self.methods) * len(self.seeds) > MAX_JOBS:
            jobs = len(self.methods) * len(self.seeds)
            raise fault("seeds", jobs, f"methods x seeds make {jobs} jobs; {MAX_JOBS} at most")
        for index, method in enumerate(self.methods):
            check_pair(self.teacher.detector, self.student.detector, method, f"methods.{index}")
        return self
