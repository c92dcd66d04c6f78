"""What a user submits: methods x seeds over one teacher, student and data set."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from frs_core import methods
from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.cache import CacheSpec, Precision, check_variants
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault, relocated
from frs_core.spec.matching import check_pair
from frs_core.spec.schedule import (
    InputSize,
    ResourcesSpec,
    ScheduleSpec,
    TeacherTraining,
    check_training,
)
from frs_core.spec.search import SearchedMethod
from frs_core.spec.start import Init, check_start
from frs_core.weights.reference import Reference

MAX_JOBS = 1000
TEACHER_LABEL = "teacher"
"""The teacher's row in every comparison."""


class TeacherSpec(Spec):
    """The teacher: given as a checkpoint, trained first, or both: then the checkpoint is fine-tuned.

    With neither it is trained on the experiment's own schedule. Its job evaluates it and stores the weights
    that every student learns from.
    """

    detector: DetectorSpec
    train: TeacherTraining | None = None
    checkpoint: Reference | None = None
    init: Init = "scratch"
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    min_ap: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="No student is trained under a teacher below this AP on val (a fraction)",
    )
    cache: CacheSpec | None = None
    precision: Precision = "fp32"
    reuse: bool = Field(
        default=True, description="Take over the result of the same training where it is there"
    )

    @model_validator(mode="after")
    def _starts(self) -> "TeacherSpec":
        check_start(self.detector, self.checkpoint, self.init)
        return self

    @property
    def is_trained(self) -> bool:
        """Whether its job trains it, and does not only evaluate what was given."""
        return self.train is not None or self.checkpoint is None


class StudentSpec(Spec):
    """The student, and what all its runs start with before a method's own `init`."""

    detector: DetectorSpec
    checkpoint: Reference | None = None
    init: Init = "scratch"

    @model_validator(mode="after")
    def _starts(self) -> "StudentSpec":
        check_start(self.detector, self.checkpoint, self.init)
        return self


def _one_or_more_methods(value: Any) -> Any:
    return (
        [{"name": item} if isinstance(item, str) else item for item in value]
        if isinstance(value, list)
        else value
    )


Methods = Annotated[
    tuple[SearchedMethod, ...], BeforeValidator(_one_or_more_methods), Field(min_length=1, max_length=100)
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
    search_seed: Seed = Field(default=1000, description="Of every run of a search; none of `seeds`")
    resources: ResourcesSpec = ResourcesSpec()
    expected: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="AP on val (a fraction) by row, shown beside what was measured; another one of the "
        "`teacher`, by more than half a point, ends the experiment before its students start",
    )
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
    def _labels_differ(cls, value: tuple[SearchedMethod, ...]) -> tuple[SearchedMethod, ...]:
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
    def _expects_its_own_rows(self) -> "ExperimentSpec":
        rows = [TEACHER_LABEL, *(method.display_label for method in self.methods)]
        for label in self.expected:
            if label not in rows:
                raise fault("expected", label, f"there is no row {label!r}; there are {', '.join(rows)}")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "ExperimentSpec":
        jobs = len(self.methods) * len(self.seeds) + self.num_search_jobs
        if jobs > MAX_JOBS:
            message = f"methods x seeds and their searches make {jobs} jobs; {MAX_JOBS} at most"
            raise fault("seeds", jobs, message)
        for index, method in enumerate(self.methods):
            tried = [each for _, each in method.candidates()] or [method]
            for each in tried:
                check_pair(self.teacher.detector, self.student.detector, each, f"methods.{index}")
        return self

    @model_validator(mode="after")
    def _searches_are_fair(self) -> "ExperimentSpec":
        budgets = {method.display_label: method.search.budget for method in self.methods if method.search}
        if len(set(budgets.values())) > 1:
            shown = ", ".join(f"{label} {budget}" for label, budget in budgets.items())
            message = f"every search of an experiment must have the same `budget` (there are {shown})"
            raise fault("methods", shown, message)
        if budgets and self.search_seed in self.seeds:
            message = "what chooses must not be judged: give a `search_seed` that is none of `seeds`"
            raise fault("search_seed", self.search_seed, message)
        return self

    @property
    def num_search_jobs(self) -> int:
        """Runs that only choose a method's options."""
        return sum(method.search.budget for method in self.methods if method.search)

    @model_validator(mode="after")
    def _can_be_trained(self) -> "ExperimentSpec":
        teacher, student = self.teacher, self.student
        check_variants(teacher.cache, self.schedule)
        check_training(
            self.schedule,
            self.resources,
            from_scratch=student.checkpoint is None and student.init == "scratch",
            detector="student",
        )
        if teacher.is_trained:
            check_training(
                self.teacher_schedule,
                self.resources,
                from_scratch=teacher.checkpoint is None and teacher.init == "scratch",
                detector="teacher",
                field="schedule" if teacher.train is None else "teacher.train",
            )
        return self

    @property
    def teacher_schedule(self) -> ScheduleSpec:
        """The schedule that the teacher is trained on; ValidationError where the fields given do not fit."""
        if self.teacher.train is None:
            return self.schedule
        try:
            return self.teacher.train.applied_to(self.schedule)
        except ValidationError as error:
            raise relocated(error, "teacher.train") from error
