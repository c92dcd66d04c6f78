"""How many processes run a job: as many as its specification says, or as torchrun started."""

import os

from pydantic import ValidationError

from frs_core.errors import SpecError
from frs_core.spec.job import JobSpec
from frs_core.spec.kinds import AnyJobSpec
from frs_core.spec.schedule import check_shares


def is_one_of_several() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def num_started() -> int:
    """How many processes run the job that this one runs."""
    return int(os.environ["WORLD_SIZE"]) if is_one_of_several() else 1


def needs_launch(spec: AnyJobSpec) -> bool:
    """Whether the job is for several processes, and this is not one of them. Only training is shared."""
    several = isinstance(spec, JobSpec) and spec.trains and spec.resources.processes > 1
    return several and not is_one_of_several()


def as_launched(spec: AnyJobSpec) -> AnyJobSpec:
    """The job for as many processes as torchrun started, if it did; SpecError where that cannot be."""
    if not is_one_of_several() or not isinstance(spec, JobSpec):
        return spec
    started = num_started()
    if spec.resources.processes not in (1, started):
        raise SpecError(
            f"resources.processes is {spec.resources.processes}, but torchrun started {started}: "
            "start as many, or leave it out",
            field="resources.processes",
        )
    resources = spec.resources.model_copy(update={"processes": started})
    try:
        check_shares(spec.schedule.batch_size, resources, "schedule.batch_size")
    except ValidationError as error:
        raise SpecError(f"schedule.batch_size: {error.errors()[0]['msg']}") from error
    return spec.model_copy(update={"resources": resources})
