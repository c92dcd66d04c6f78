"""What one worker runs, complete in itself."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.cache import CacheSpec, Precision, check_variants
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.matching import check_pair
from frs_core.spec.method import MethodSpec
from frs_core.spec.schedule import InputSize, ResourcesSpec, ScheduleSpec, check_training
from frs_core.spec.start import Init, check_start
from frs_core.weights.reference import Reference


class JobKind(StrEnum):
    """`train` a detector alone, `distill` a student, or `evaluate` a checkpoint."""

    TRAIN = "train"
    DISTILL = "distill"
    EVALUATE = "evaluate"


AP_TOLERANCE = 0.005
"""Half a point: how far a detector may be from the AP that is expected of it."""


class JobTeacher(Spec):
    """The frozen teacher of a `distill` job. `checkpoint` None means: from the job this one waits for."""

    detector: DetectorSpec
    checkpoint: Reference | None = None
    cache: CacheSpec | None = None
    precision: Precision = "fp32"

    @model_validator(mode="after")
    def _is_published(self) -> "JobTeacher":
        check_start(self.detector, self.checkpoint, "scratch")
        return self


class JobSpec(Spec):
    """One job. `detector` is what is trained or evaluated.

    `checkpoint` is what an `evaluate` job judges, and what any other starts with; `init` is how the detector
    starts without one.
    """

    schema_version: Literal[1] = 1
    kind: JobKind
    name: Name
    dataset: DatasetSpec
    input_size: InputSize
    detector: DetectorSpec
    checkpoint: Reference | None = None
    init: Init = "scratch"
    teacher: JobTeacher | None = None
    method: MethodSpec | None = None
    schedule: ScheduleSpec = ScheduleSpec()
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    min_ap: float | None = Field(
        default=None, ge=0, le=1, description="Fail below this AP on val (a fraction)"
    )
    expected_ap: float | None = Field(
        default=None, ge=0, le=1, description="Fail where AP on val (a fraction) is another, by half a point"
    )
    resources: ResourcesSpec = ResourcesSpec()
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    submitted_by: Name | None = None

    @model_validator(mode="after")
    def _parts_of_its_kind(self) -> "JobSpec":
        distils = self.kind is JobKind.DISTILL
        if distils and (self.method is None or self.teacher is None):
            missing = "method" if self.method is None else "teacher"
            raise fault(missing, None, "a distill job needs `method` and `teacher`")
        if not distils and (self.method is not None or self.teacher is not None):
            extra = "teacher" if self.method is None else "method"
            raise fault(extra, "given", f"a job of kind {self.kind.value} takes no `method` and no `teacher`")
        if self.kind is JobKind.EVALUATE and self.checkpoint is None:
            raise fault("checkpoint", None, "a job of kind evaluate needs `checkpoint`")
        check_start(self.detector, self.checkpoint, self.init)
        if self.teacher is not None and self.method is not None:
            check_pair(self.teacher.detector, self.detector, self.method, "method")
            check_variants(self.teacher.cache, self.schedule)
        if self.trains:
            check_training(self.schedule, self.resources, from_scratch=self.starts_from_scratch)
        return self

    @property
    def starts_from_scratch(self) -> bool:
        """Whether the detector's backbone is random at first."""
        return self.checkpoint is None and self.init == "scratch"

    @property
    def trains(self) -> bool:
        """Whether the job changes weights."""
        return self.kind in (JobKind.TRAIN, JobKind.DISTILL)

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators of mmcv's compiled extension that its detectors need, the teacher's where it runs."""
        theirs = self.teacher.detector.operators if self.teacher and self.needs_teacher else ()
        return tuple(dict.fromkeys((*self.detector.operators, *theirs)))

    @property
    def needs_teacher(self) -> bool:
        """Whether the teacher's weights are read: `none` needs them only to inherit from."""
        return self.method is not None and (bool(self.method.requires) or self.method.init == "inherit")
