"""Every specification that a worker can be handed, told apart by its `kind`."""

from collections.abc import Mapping
from typing import Any

from frs_core.spec.job import JobSpec
from frs_core.spec.plan import PlanSpec
from frs_core.spec.predict import PredictSpec
from frs_core.spec.preflight import PreflightSpec

AnyJobSpec = JobSpec | PredictSpec | PlanSpec | PreflightSpec


def read_spec(content: Mapping[str, Any]) -> AnyJobSpec:
    """The typed specification. Raises ValidationError; what names no other kind is judged as a JobSpec."""
    if content.get("kind") == "predict":
        return PredictSpec.model_validate(content)
    if content.get("kind") == "plan":
        return PlanSpec.model_validate(content)
    if content.get("kind") == "preflight":
        return PreflightSpec.model_validate(content)
    return JobSpec.model_validate(content)
