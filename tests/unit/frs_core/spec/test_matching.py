"""A teacher and a student that a method cannot bring together are refused with the reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from frs_core import zoo
from frs_core.spec import ExperimentSpec

RETINANET = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}
FCOS = {"zoo": "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco"}
FASTER_RCNN = {"zoo": "faster_rcnn/faster-rcnn_r50_fpn_1x_coco"}
GFL = {"zoo": "gfl/gfl_r50_fpn_1x_coco"}
CASCADE_RCNN = {"zoo": "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco"}


def experiment(teacher: dict[str, Any], student: dict[str, Any], method: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "name": "pair",
            "dataset": {"format": "synthetic"},
            "input_size": [128, 96],
            "teacher": {"detector": teacher},
            "student": {"detector": student},
            "methods": [method],
        }
    )


@pytest.mark.parametrize(
    ("teacher", "student", "method", "field", "reason"),
    [
        (FASTER_RCNN, RETINANET, "frs", "methods.0", "strides"),
        (FCOS, RETINANET, "frs", "methods.0", "anchors per location"),
        (RETINANET, RETINANET, {"name": "frs", "options": {"score": "cls_x_centerness"}},
         "methods.0.options.score", "no centerness"),
        (RETINANET, RETINANET, {"name": "frs", "options": {"terms": ["feature", "feature"]}},
         "methods.0.options.terms", "twice"),
        (CASCADE_RCNN, CASCADE_RCNN, "frs", "methods.0.options", "no published feature_weight"),
        (RETINANET, {**FASTER_RCNN, "stacked_convs": 2}, "none", "student.detector.stacked_convs", "no part"),
        (RETINANET, {**FCOS, "fpn_channels": 32}, "none", "student.detector.head_channels", "64 or more"),
        (RETINANET, {"zoo": "mask_rcnn/mask-rcnn_r50_fpn_1x_coco"}, "none",
         "student.detector.zoo", "mask head"),
        (RETINANET, {"zoo": "retinanet/retinanet_x101-32x4d_fpn_1x_coco", "backbone_depth": 18}, "none",
         "student.detector.backbone_depth", "ResNeXt"),
    ],
)  # fmt: skip
def test_what_cannot_match_is_refused_at_its_field(
    teacher: dict[str, Any], student: dict[str, Any], method: Any, field: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        experiment(teacher, student, method)
    [fault] = caught.value.errors()
    assert ".".join(map(str, fault["loc"])) == field
    assert reason in fault["msg"]


@pytest.mark.parametrize(
    ("teacher", "student", "method", "field", "reason"),
    [
        (GFL, RETINANET, "ld", "methods.0", "distributions of box sides, which retinanet does not predict"),
        (FCOS, GFL, "ld", "methods.0", "distributions of box sides, which fcos does not predict"),
        (GFL, RETINANET, {"combine": ["pkd", "ld"]}, "methods.0.combine.1", "which retinanet does not"),
        (FASTER_RCNN, FASTER_RCNN, "crosskd", "methods.0", "head features, which a faster_rcnn has not"),
        (FASTER_RCNN, RETINANET, "crosskd", "methods.0", "head features, which a faster_rcnn has not"),
        (GFL, RETINANET, "crosskd", "methods.0", "choose one family for both"),
        ({**RETINANET, "head_channels": 96}, RETINANET, "crosskd", "methods.0",
         "(256 channels) to the teacher's (96): choose equal head_channels"),
        (RETINANET, {**RETINANET, "fpn_channels": 64}, "crosskd", "methods.0",
         "(64 channels) to the teacher's (256)"),
        (RETINANET, {**RETINANET, "stacked_convs": 2}, "crosskd", "methods.0.options.conv",
         "the student's towers have 2 convolutions: give options.conv of at most 2"),
        ({**FCOS, "stacked_convs": 1}, FCOS, "crosskd", "methods.0.options.conv",
         "the teacher's towers have 1 convolutions: give options.conv of at most 1"),
        (RETINANET, RETINANET, {"name": "crosskd", "options": {"conv": 5}}, "methods.0.options.conv",
         "at most 4"),
    ],
)  # fmt: skip
def test_what_a_head_cannot_give_is_refused_at_its_field(
    teacher: dict[str, Any], student: dict[str, Any], method: Any, field: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        experiment(teacher, student, method)
    [fault] = caught.value.errors()
    assert ".".join(map(str, fault["loc"])) == field
    assert reason in fault["msg"]


@pytest.mark.parametrize(
    ("teacher", "student"),
    [
        (GFL, {**GFL, "head_channels": 64}),
        ({**GFL, "stacked_convs": 2}, GFL),
    ],
)
def test_distributions_are_imitated_whatever_the_heads_width_and_depth(
    teacher: dict[str, Any], student: dict[str, Any]
) -> None:
    assert experiment(teacher, student, "ld").methods[0].requires


def test_a_student_with_a_shallower_head_crosses_where_both_have_a_convolution() -> None:
    student = {**RETINANET, "stacked_convs": 2, "fpn_channels": 64, "head_channels": 256}
    method = {"name": "crosskd", "options": {"conv": 2}}
    assert experiment(RETINANET, student, method).methods[0].requires


@pytest.mark.parametrize("pair", [(FASTER_RCNN, CASCADE_RCNN), (CASCADE_RCNN, FASTER_RCNN)])
def test_two_stage_detectors_match_each_other(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    options = {"feature_weight": 0.002, "classification_weight": 0.1}
    assert experiment(*pair, {"name": "frs", "options": options}).methods[0].requires


@pytest.mark.parametrize(("teacher", "student"), [(RETINANET, GFL), (GFL, RETINANET), (RETINANET, FCOS)])
def test_features_alone_may_be_imitated_across_heads(
    teacher: dict[str, Any], student: dict[str, Any]
) -> None:
    features = {"terms": ["feature"], "feature_weight": 0.1, "classification_weight": 0.0}
    assert experiment(teacher, student, {"name": "frs", "options": features}).methods[0].requires
    with pytest.raises(ValidationError, match=r"imitates class scores, .* or imitate features alone"):
        experiment(teacher, student, {"name": "frs", "options": {"terms": ["classification"]}})


def test_objectness_is_not_imitated_as_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """No config of the zoo has an RPN on a one-stage detector's levels; another package's may."""
    entry = zoo.entry(RETINANET["zoo"])
    alike = {"strides": entry.strides, "scores_per_location": entry.scores_per_location}
    known = zoo.entry(FASTER_RCNN["zoo"]).model_copy(update=alike)
    monkeypatch.setitem(zoo._entries(), known.name, known)
    with pytest.raises(
        ValidationError, match=r"faster_rcnn are of objectness and those of retinanet of classes"
    ):
        experiment(FASTER_RCNN, RETINANET, "frs")
    features = {"terms": ["feature"]}
    assert experiment(FASTER_RCNN, RETINANET, {"name": "frs", "options": features}).methods[0].requires


def test_backbones_and_widths_may_differ() -> None:
    student = {**RETINANET, "fpn_channels": 64, "backbone": {"type": "MobileNetV2"}}
    assert experiment(RETINANET, student, "frs").methods[0].requires


def test_the_plain_student_needs_no_match() -> None:
    assert not experiment(FCOS, FASTER_RCNN, "none").methods[0].requires


def test_a_copy_with_another_method_reads_what_that_method_reads() -> None:
    method = experiment(RETINANET, RETINANET, "frs").methods[0]
    assert method.requires
    assert not method.model_copy(update={"name": "none"}).requires


def test_a_term_that_is_left_out_needs_no_weight() -> None:
    method = {"name": "frs", "options": {"terms": ["feature"], "feature_weight": 0.002}}
    spec = experiment(CASCADE_RCNN, CASCADE_RCNN, method)
    assert spec.methods[0].parts[0].resolve("cascade_rcnn").feature_weight == 0.002  # type: ignore[attr-defined]
