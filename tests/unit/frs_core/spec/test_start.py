"""What an experiment's detectors start with, and how that becomes jobs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from frs_core.spec import DetectorSpec, JobSpec, TeacherSpec, expand

if TYPE_CHECKING:
    from tests.fixtures.submissions import MakeSpec

R101 = {"zoo": "retinanet/retinanet_r101_fpn_2x_coco"}
R50 = {"zoo": "retinanet/retinanet_r50_fpn_2x_coco"}
UNPUBLISHED = {"zoo": "retinanet/retinanet_r50_fpn_8xb8-amp-lsj-200e_coco"}


def test_a_published_teacher_is_evaluated_and_its_students_wait_for_what_its_job_stores(
    make_spec: "MakeSpec",
) -> None:
    spec = make_spec(
        teacher={"detector": R101, "checkpoint": "zoo", "min_ap": 0.3},
        student={"detector": R50, "init": "imagenet"},
        expected={"teacher": 0.389, "frs": 0.397},
    )
    teacher, *students = (plan.spec for plan in expand(spec))
    assert (teacher.kind, teacher.checkpoint, teacher.expected_ap) == ("evaluate", "zoo", 0.389)
    assert {(job.init, job.checkpoint, job.expected_ap) for job in students} == {("imagenet", None, None)}
    assert {job.teacher.checkpoint for job in students if job.teacher} == {None}


def test_a_checkpoint_and_a_training_are_fine_tuning(make_spec: "MakeSpec") -> None:
    spec = make_spec(teacher={"detector": R101, "checkpoint": "zoo", "train": {"epochs": 3}})
    teacher = expand(spec)[0].spec
    assert (teacher.kind, teacher.checkpoint, teacher.schedule.epochs) == ("train", "zoo", 3)


def refused(make: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        make()
    [fault] = caught.value.errors()
    return ".".join(map(str, fault["loc"])), fault["msg"]


@pytest.mark.parametrize(
    ("start", "field", "reason"),
    [
        ({"detector": UNPUBLISHED, "checkpoint": "zoo"}, "checkpoint", "has no published weights"),
        ({"detector": {**R50, "fpn_channels": 128}, "checkpoint": "zoo"}, "checkpoint", "leave out fpn_ch"),
        ({"detector": R50, "checkpoint": "/a.pth", "init": "imagenet"}, "init", "either `init` or"),
        ({"detector": {**R50, "base_channels": 16}, "init": "imagenet"}, "init", "base_channels 16"),
        ({"detector": R50, "checkpoint": "ftp://example.org/a.pth"}, "checkpoint", "https only"),
    ],
)
def test_weights_that_nobody_has_published_are_refused(
    start: dict[str, Any], field: str, reason: str
) -> None:
    found, message = refused(lambda: TeacherSpec.model_validate(start))
    assert (found, reason in message) == (field, True), message


def test_a_job_is_refused_as_its_experiment_would_be(make_spec: "MakeSpec") -> None:
    job = expand(make_spec())[0].spec.model_dump()
    changed = {**job, "detector": DetectorSpec.model_validate(UNPUBLISHED), "checkpoint": "zoo"}
    assert refused(lambda: JobSpec.model_validate(changed))[0] == "checkpoint"
