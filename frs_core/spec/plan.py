"""What a worker does to tell what an experiment will cost."""

from typing import Literal

from pydantic import Field

from frs_core.spec.base import Name, Spec, Tag
from frs_core.spec.experiment import ExperimentSpec
from frs_core.spec.schedule import ResourcesSpec


class PlanSpec(Spec):
    """A few timed steps of each part of an experiment, which is not run.

    `num_slots` jobs run at a time, and `keep_states` state checkpoints of each are kept.
    """

    schema_version: Literal[1] = 1
    kind: Literal["plan"] = "plan"
    name: Name
    experiment: ExperimentSpec
    num_slots: int = Field(default=1, ge=1)
    keep_states: int = Field(default=2, ge=1)
    timed_steps: int = Field(default=5, ge=1, le=100)
    resources: ResourcesSpec = ResourcesSpec()
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    submitted_by: Name | None = None

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators of mmcv's compiled extension that the experiment's detectors need."""
        both = (self.experiment.teacher.detector, self.experiment.student.detector)
        return tuple(dict.fromkeys(name for detector in both for name in detector.operators))
