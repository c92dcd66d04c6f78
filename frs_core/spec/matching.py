"""Refuses, before anything runs, a teacher and student that a method cannot bring together."""

from frs_core import zoo
from frs_core.methods import Signal
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.method import MethodPart, MethodSpec


def check_pair(teacher: DetectorSpec, student: DetectorSpec, method: MethodSpec, field: str) -> None:
    """Raises a ValidationError at `field` saying what differs; one that reads no signal fits any pair."""
    for index, part in enumerate(method.parts):
        _check_part(teacher, student, part, f"{field}.combine.{index}" if method.combine else field)


def _check_part(teacher: DetectorSpec, student: DetectorSpec, method: MethodPart, field: str) -> None:
    reason = _lacking(teacher, student, method)
    if reason is not None:
        raise fault(field, method.name, f"{method.name!r} {reason}")
    try:
        method.resolve(student.family)
    except ValueError as error:
        raise fault(f"{field}.options", method.options, str(error)) from error
    if not method.requires:
        return
    if Signal.CENTERNESS in method.requires and teacher.family != "fcos":
        message = f"{teacher.family} has no centerness: choose cls, or an FCOS teacher"
        raise fault(f"{field}.options.score", "cls_x_centerness", message)
    if Signal.HEAD_FEATURES in method.requires:
        _check_heads(teacher, student, method, field)
    reason = _mismatch(teacher, student, method)
    if reason is not None:
        raise fault(field, method.name, f"{method.name!r} {reason}")


def _lacking(teacher: DetectorSpec, student: DetectorSpec, method: MethodPart) -> str | None:
    """What the method reads and one of the detectors does not have."""
    families = {teacher.family, student.family}
    if Signal.ANCHORS in method.requires and student.family == "fcos":
        return "compares anchors with boxes, and fcos has points: choose another student, or `gt_box`"
    if Signal.DISTRIBUTIONS in method.requires and families != {"gfl"}:
        other = min(families - {"gfl"})
        return f"reads distributions of box sides, which {other} does not predict: choose gfl for both"
    if Signal.HEAD_FEATURES in method.requires and (teacher.is_two_stage or student.is_two_stage):
        other = teacher.family if teacher.is_two_stage else student.family
        return f"needs head features, which a {other} has not: choose one-stage detectors"
    if Signal.HEAD_FEATURES in method.requires and len(families) > 1:
        return (
            f"goes through the teacher's head, and one of {teacher.family} cannot follow one of "
            f"{student.family}: choose one family for both"
        )
    return None


def _check_heads(teacher: DetectorSpec, student: DetectorSpec, method: MethodPart, field: str) -> None:
    """Raises where the student's tower cannot be left, or the teacher's not entered, after `conv`."""
    for side, detector in (("teacher", teacher), ("student", student)):
        conv, convs = method.resolve(student.family).model_dump()["conv"], detector.resolved_stacked_convs
        if conv > convs:
            message = f"the {side}'s towers have {convs} convolutions: give options.conv of at most {convs}"
            raise fault(f"{field}.options.conv", conv, message)
    ours, theirs = student.resolved_head_channels, teacher.resolved_head_channels
    if ours != theirs:
        message = (
            f"{method.name!r} gives features of the student's towers ({ours} channels) to the teacher's "
            f"({theirs}): choose equal head_channels"
        )
        raise fault(field, method.name, message)


def _mismatch(teacher: DetectorSpec, student: DetectorSpec, method: MethodPart) -> str | None:
    """Neck channels and backbones may differ, and what is not compared."""
    theirs, ours = zoo.entry(teacher.zoo), zoo.entry(student.zoo)
    if theirs.strides != ours.strides:
        return (
            f"compares level by level, but the teacher's {len(theirs.strides)} levels have strides "
            f"{list(theirs.strides)} and the student's {len(ours.strides)} {list(ours.strides)}: "
            "choose equal strides, as within one-stage or within two-stage detectors"
        )
    if not {Signal.CLS, Signal.HEAD_FEATURES} & method.compares:
        return None
    if teacher.is_two_stage != student.is_two_stage:
        two, one = (teacher, student) if teacher.is_two_stage else (student, teacher)
        return (
            f"imitates scores, but those of {two.family} are of objectness and those of {one.family} of "
            "classes: choose two detectors of one kind, or imitate features alone"
        )
    if theirs.scores_per_location != ours.scores_per_location:
        return (
            f"imitates class scores, but the teacher scores {theirs.scores_per_location} anchors per "
            f"location and the student {ours.scores_per_location}: choose one family, or imitate features "
            "alone"
        )
    return None
