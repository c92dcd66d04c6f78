"""Expands an experiment into its jobs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from frs_core.spec.base import MAX_NAME_LENGTH
from frs_core.spec.experiment import TEACHER_LABEL, ExperimentSpec
from frs_core.spec.job import JobKind, JobSpec, JobTeacher
from frs_core.spec.method import MethodSpec
from frs_core.spec.search import Values, in_words

Role = Literal["teacher", "search", "student"]


class PlannedJob(BaseModel):
    """A job of an experiment with its place. `label` is its row in the comparison.

    A `search` job tries `values`; its like of the same label are all done before a student of that label
    starts, whose specification then takes the best one's method. One with `reuse` may take over what the same
    job ended with before.
    """

    model_config = ConfigDict(frozen=True)

    spec: JobSpec
    role: Role
    label: str
    reuse: bool = False
    values: Values | None = None


def expand(experiment: ExperimentSpec) -> list[PlannedJob]:
    """The teacher's job first, then the searches, then every method for every seed.

    All others wait for the teacher and take the weights which its job stored, whether it trained them or was
    given them.
    """
    return [_teacher_job(experiment), *_search_jobs(experiment), *_student_jobs(experiment)]


def _teacher_job(experiment: ExperimentSpec) -> PlannedJob:
    teacher = experiment.teacher
    spec = JobSpec(
        kind=JobKind.TRAIN if teacher.is_trained else JobKind.EVALUATE,
        name="teacher",
        dataset=experiment.dataset,
        input_size=experiment.input_size,
        detector=teacher.detector,
        checkpoint=teacher.checkpoint,
        init=teacher.init,
        schedule=experiment.teacher_schedule,
        seed=teacher.seed,
        min_ap=teacher.min_ap,
        expected_ap=experiment.expected.get(TEACHER_LABEL),
        resources=experiment.resources,
    )
    return PlannedJob(spec=spec, role="teacher", label=TEACHER_LABEL, reuse=teacher.reuse)


def _search_jobs(experiment: ExperimentSpec) -> list[PlannedJob]:
    return [
        PlannedJob(
            spec=_distil(experiment, each, experiment.search_seed, f"{label} search {in_words(values)}"),
            role="search",
            label=label,
            reuse=method.is_reused,
            values=values,
        )
        for method in experiment.methods
        for label in [method.display_label]
        for values, each in method.candidates()
    ]


def _student_jobs(experiment: ExperimentSpec) -> list[PlannedJob]:
    return [
        PlannedJob(
            spec=_distil(experiment, method.provisional, seed, f"{method.display_label} seed {seed}"),
            role="student",
            label=method.display_label,
            reuse=method.is_reused,
        )
        for seed in experiment.seeds
        for method in experiment.methods
    ]


def _distil(experiment: ExperimentSpec, method: MethodSpec, seed: int, name: str) -> JobSpec:
    return JobSpec(
        kind=JobKind.DISTILL,
        name=name[:MAX_NAME_LENGTH],
        dataset=experiment.dataset,
        input_size=experiment.input_size,
        detector=experiment.student.detector,
        checkpoint=experiment.student.checkpoint,
        init=experiment.student.init,
        teacher=JobTeacher(
            detector=experiment.teacher.detector,
            cache=experiment.teacher.cache,
            precision=experiment.teacher.precision,
        ),
        method=method,
        schedule=experiment.schedule,
        seed=seed,
        resources=experiment.resources,
    )
