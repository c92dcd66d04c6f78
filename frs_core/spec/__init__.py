"""What a job is. Torch-free; every model is frozen and refuses unknown keys."""

from frs_core.spec.base import Spec, canonical_hash
from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.expand import PlannedJob, expand
from frs_core.spec.experiment import ExperimentSpec, StudentSpec, TeacherSpec
from frs_core.spec.imported import ImportSpec
from frs_core.spec.job import JobKind, JobSpec, JobTeacher
from frs_core.spec.kinds import AnyJobSpec, dataset_of, read_spec, with_dataset
from frs_core.spec.method import MethodPart, MethodSpec
from frs_core.spec.plan import PlanSpec
from frs_core.spec.predict import Picture, PredictSpec
from frs_core.spec.preflight import PreflightSpec
from frs_core.spec.schedule import Length, OptimizerSpec, ResourcesSpec, ScheduleSpec, TeacherTraining
from frs_core.spec.score import ScoreSpec
from frs_core.spec.smoke import SMOKE_TAG, smoke_of

__all__ = [
    "SMOKE_TAG",
    "AnyJobSpec",
    "DatasetSpec",
    "DetectorSpec",
    "ExperimentSpec",
    "ImportSpec",
    "JobKind",
    "JobSpec",
    "JobTeacher",
    "Length",
    "MethodPart",
    "MethodSpec",
    "OptimizerSpec",
    "Picture",
    "PlanSpec",
    "PlannedJob",
    "PredictSpec",
    "PreflightSpec",
    "ResourcesSpec",
    "ScheduleSpec",
    "ScoreSpec",
    "Spec",
    "StudentSpec",
    "TeacherSpec",
    "TeacherTraining",
    "canonical_hash",
    "dataset_of",
    "expand",
    "read_spec",
    "smoke_of",
    "with_dataset",
]
