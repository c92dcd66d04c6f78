"""What one worker runs, complete in itself."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.matching import check_pair
from frs_core.spec.method import MethodSpec
from frs_core.spec.schedule import InputSize, ResourcesSpec, ScheduleSpec


class JobKind(StrEnum):
    """`train` a detector alone, `distill` a student, or `evaluate` a checkpoint."""

    TRAIN = "train"
    DISTILL = "distill"
    EVALUATE = "evaluate"


class JobTeacher(Spec):
    """The frozen teacher of a `distill` job.

    `checkpoint` is a path or the id of a stored checkpoint; None means: from the job this one waits for.
    """

    detector: DetectorSpec
    checkpoint: str | None = Field(default=None, min_length=1, max_length=4096)


class JobSpec(Spec):
    """One job. `detector` is what is trained or evaluated; `checkpoint` what an `evaluate` job reads."""

    schema_version: Literal[1] = 1
    kind: JobKind
    name: Name
    dataset: DatasetSpec
    input_size: InputSize
    detector: DetectorSpec
    checkpoint: str | None = Field(default=None, min_length=1, max_length=4096)
    teacher: JobTeacher | None = None
    method: MethodSpec | None = None
    schedule: ScheduleSpec = ScheduleSpec()
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    min_ap: float | None = Field(
        default=None, ge=0, le=1, description="Fail below this AP on val (a fraction)"
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
        if (self.kind is JobKind.EVALUATE) != (self.checkpoint is not None):
            message = "a job of kind evaluate needs `checkpoint`, and no other kind takes it"
            raise fault("checkpoint", self.checkpoint, message)
        if self.teacher is not None and self.method is not None:
            check_pair(self.teacher.detector, self.detector, self.method, "method")
        return self

    @property
    def needs_teacher(self) -> bool:
        """Whether the teacher's weights are read: `none` needs them only to inherit from."""
        return self.method is not None and (bool(self.method.requires) or self.method.init == "inherit")
