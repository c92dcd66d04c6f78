"""Expands an experiment into its jobs."""

from pydantic import BaseModel, ConfigDict

from frs_core.spec.experiment import TEACHER_LABEL, ExperimentSpec
from frs_core.spec.job import JobKind, JobSpec, JobTeacher


class PlannedJob(BaseModel):
    """A job of an experiment with its place: `role` teacher or student, `label` its row in the comparison."""

    model_config = ConfigDict(frozen=True)

    spec: JobSpec
    role: str
    label: str
    waits_for_teacher: bool


def expand(experiment: ExperimentSpec) -> list[PlannedJob]:
    """The teacher's job first, then every method for every seed; all students wait for the teacher.

    They take the weights which that job stored, whether it trained them or was given them.
    """
    return [_teacher_job(experiment), *_student_jobs(experiment)]


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
    return PlannedJob(spec=spec, role="teacher", label=TEACHER_LABEL, waits_for_teacher=False)


def _student_jobs(experiment: ExperimentSpec) -> list[PlannedJob]:
    return [
        PlannedJob(
            spec=JobSpec(
                kind=JobKind.DISTILL,
                name=f"{method.display_label} seed {seed}"[:120],
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
            ),
            role="student",
            label=method.display_label,
            waits_for_teacher=True,
        )
        for seed in experiment.seeds
        for method in experiment.methods
    ]
