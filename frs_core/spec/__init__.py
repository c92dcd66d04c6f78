"""What a job is. Torch-free; every model is frozen and refuses unknown keys."""

from frs_core.spec.base import Spec, canonical_hash
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.expand import PlannedJob, expand
from frs_core.spec.experiment import ExperimentSpec, StudentSpec, TeacherSpec
from frs_core.spec.job import JobKind, JobSpec, JobTeacher
from frs_core.spec.method import MethodSpec
from frs_core.spec.schedule import OptimizerSpec, ResourcesSpec, ScheduleSpec, TeacherTraining

__all__ = [
    "DatasetSpec",
    "DetectorSpec",
    "ExperimentSpec",
    "JobKind",
    "JobSpec",
    "JobTeacher",
    "MethodSpec",
    "OptimizerSpec",
    "PlannedJob",
    "ResourcesSpec",
    "ScheduleSpec",
    "Spec",
    "StudentSpec",
    "TeacherSpec",
    "TeacherTraining",
    "canonical_hash",
    "expand",
]
