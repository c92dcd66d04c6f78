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
    try:
        method.resolve(student.family)
    except ValueError as error:
        raise fault(f"{field}.options", method.options, str(error)) from error
    if not method.requires:
        return
    if Signal.CENTERNESS in method.requires and teacher.family != "fcos":
        message = f"{teacher.family} has no centerness: choose cls, or an FCOS teacher"
        raise fault(f"{field}.options.score", "cls_x_centerness", message)
    reason = _mismatch(teacher, student, method)
    if reason is not None:
        raise fault(field, method.name, f"{method.name!r} {reason}")


def _mismatch(teacher: DetectorSpec, student: DetectorSpec, method: MethodPart) -> str | None:
    """Neck channels and backbones may differ, and what is not compared."""
    theirs, ours = zoo.entry(teacher.zoo), zoo.entry(student.zoo)
    if theirs.strides != ours.strides:
        return (
            f"compares level by level, but the teacher's {len(theirs.strides)} levels have strides "
            f"{list(theirs.strides)} and the student's {len(ours.strides)} {list(ours.strides)}: "
            "choose equal strides, as within one-stage or within two-stage detectors"
        )
    if Signal.CLS not in method.compares:
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
