"""Every specification that a worker can be handed, told apart by its `kind`."""

from collections.abc import Mapping
from typing import Any

from frs_core.spec.dataset import DatasetSpec
from frs_core.spec.imported import ImportSpec
from frs_core.spec.job import JobSpec
from frs_core.spec.plan import PlanSpec
from frs_core.spec.predict import PredictSpec
from frs_core.spec.preflight import PreflightSpec
from frs_core.spec.score import ScoreSpec

AnyJobSpec = JobSpec | PredictSpec | PlanSpec | PreflightSpec | ScoreSpec | ImportSpec


def dataset_of(spec: AnyJobSpec) -> DatasetSpec | None:
    """The data set that a job reads, if it reads one."""
    if isinstance(spec, PlanSpec):
        return spec.experiment.dataset
    return None if isinstance(spec, PredictSpec | ImportSpec) else spec.dataset


def with_dataset(spec: AnyJobSpec, dataset: DatasetSpec) -> AnyJobSpec:
    """The job with its data set in another place."""
    if isinstance(spec, PlanSpec):
        experiment = spec.experiment.model_copy(update={"dataset": dataset})
        return spec.model_copy(update={"experiment": experiment})
    return spec.model_copy(update={"dataset": dataset})


def read_spec(content: Mapping[str, Any]) -> AnyJobSpec:
    """The typed specification. Raises ValidationError; what names no other kind is judged as a JobSpec."""
    if content.get("kind") == "predict":
        return PredictSpec.model_validate(content)
    if content.get("kind") == "plan":
        return PlanSpec.model_validate(content)
    if content.get("kind") == "preflight":
        return PreflightSpec.model_validate(content)
    if content.get("kind") == "score":
        return ScoreSpec.model_validate(content)
    if content.get("kind") == "import":
        return ImportSpec.model_validate(content)
    return JobSpec.model_validate(content)
