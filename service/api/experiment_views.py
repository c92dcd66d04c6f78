"""What is said of experiments, and what may be changed of one."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from frs_core.spec.base import Name, Tag
from service.api.job_views import JobSummary, job_progress
from service.api.views import View
from service.db.models import Experiment, Standing
from service.db.outside import EXTERNAL
from service.db.states import experiment_state
from service.db.work import Work


class ExperimentSummary(View):
    """An experiment. `progress` is the share of its steps that are done, 0 to 1, every job counting alike.

    What judges rows from outside (role `external`) counts in none of these numbers, nor in `state`.
    """

    id: str
    name: str
    state: str
    submitted_by: str | None
    owner_key_id: str | None
    tags: tuple[str, ...]
    created_at: datetime
    archived_at: datetime | None
    num_jobs: int
    job_states: dict[str, int]
    progress: float

    @classmethod
    def of(cls, experiment: Experiment, work: Work) -> "ExperimentSummary":
        """The view of a row whose tags are loaded, and of what its jobs are at."""
        return cls(**_own_fields(experiment), **_work_fields(work))


class ListedExperiment(ExperimentSummary):
    """An experiment as lists show it, with its best row: `best_ap` and `best_delta` are fractions.

    The best is that with the largest difference over two seeds or more, else that with the highest AP; a
    trial on a part of the images has none.
    """

    dataset: str
    best_label: str | None
    best_ap: float | None
    best_delta: float | None

    @classmethod
    def standing(cls, row: Standing, work: Work) -> "ListedExperiment":
        """The view of a row whose experiment and tags are loaded, and of what its jobs are at."""
        own = ("dataset", "best_label", "best_ap", "best_delta")
        shared = {**_own_fields(row.experiment), **_work_fields(work)}
        return cls(**shared, **{name: getattr(row, name) for name in own})


class Notice(View):
    """Something to live with but to know: `source` is dataset, or the name of the job that said it."""

    source: str
    code: str
    message: str
    field: str | None = None
    count: int = 1
    examples: tuple[str, ...] = ()


class ExperimentDetail(ExperimentSummary):
    """An experiment with its jobs. `dataset_report` is null where the server does not see the data."""

    spec: dict[str, Any]
    dataset_report: dict[str, Any] | None
    warnings: tuple[Notice, ...]
    jobs: tuple[JobSummary, ...]

    @classmethod
    def from_row(cls, experiment: Experiment, notices: Sequence[Notice] = ()) -> "ExperimentDetail":
        """The view of a row whose jobs and tags are loaded."""
        return cls(
            **summary_fields(experiment),
            spec=experiment.spec,
            dataset_report=experiment.dataset_report,
            warnings=(*dataset_notices(experiment.dataset_report), *notices),
            jobs=tuple(JobSummary.model_validate(job) for job in experiment.jobs),
        )


class ExperimentChange(BaseModel):
    """What may be changed of an experiment; a key left out stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    tags: tuple[Tag, ...] | None = Field(default=None, max_length=20)
    submitted_by: Name | None = None


def dataset_notices(report: dict[str, Any] | None) -> list[Notice]:
    """The warnings of a data set's report."""
    return [
        Notice.model_validate({**fault, "source": "dataset"}) for fault in (report or {}).get("warnings", ())
    ]


def summary_fields(experiment: Experiment) -> dict[str, Any]:
    """The fields of `ExperimentSummary` from a row whose jobs and tags are loaded."""
    own = [job for job in experiment.jobs if job.role != EXTERNAL]
    states = Counter(job.state for job in own)
    progress = sum(map(job_progress, own)) / max(1, states.total())
    return {**_own_fields(experiment), **_work_fields(Work(states=states, progress=progress))}


def _own_fields(experiment: Experiment) -> dict[str, Any]:
    return {
        "id": experiment.id,
        "name": experiment.name,
        "submitted_by": experiment.submitted_by,
        "owner_key_id": experiment.owner_key_id,
        "tags": tuple(tag.tag for tag in experiment.tags),
        "created_at": experiment.created_at,
        "archived_at": experiment.archived_at,
    }


def _work_fields(work: Work) -> dict[str, Any]:
    return {
        "state": experiment_state(list(work.states)),
        "num_jobs": sum(work.states.values()),
        "job_states": {state.value: number for state, number in work.states.items()},
        "progress": work.progress,
    }
