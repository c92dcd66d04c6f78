"""Refuses, before anything runs, a teacher and student that a method cannot bring together."""

from frs_core import zoo
from frs_core.methods import Signal
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.method import MethodSpec


def check_pair(teacher: DetectorSpec, student: DetectorSpec, method: MethodSpec, field: str) -> None:
    """Raises a ValidationError at `field` saying what differs; one that reads no signal fits any pair."""
    try:
        method.resolve(student.family)
    except ValueError as error:
        raise fault(f"{field}.options", method.options, str(error)) from error
    if not method.requires:
        return
    if Signal.CENTERNESS in method.requires and teacher.family != "fcos":
        message = f"{teacher.family} has no centerness: choose cls, or an FCOS teacher"
        raise fault(f"{field}.options.score", "cls_x_centerness", message)
    theirs, ours = zoo.entry(teacher.zoo), zoo.entry(student.zoo)
    if theirs.strides != ours.strides:
        raise fault(
            field,
            method.name,
            f"{method.name!r} compares level by level, but the teacher's levels have strides "
            f"{list(theirs.strides)} and the student's {list(ours.strides)}: choose equal strides",
        )
    if Signal.CLS in method.requires and theirs.scores_per_location != ours.scores_per_location:
        raise fault(
            field,
            method.name,
            f"{method.name!r} imitates class scores, but the teacher scores {theirs.scores_per_location} "
            f"anchors per location and the student {ours.scores_per_location}: choose one family",
        )
