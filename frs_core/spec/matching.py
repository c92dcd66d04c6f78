"""Refuses, before anything runs, a teacher and student that a method cannot bring together."""

from frs_core import zoo
from frs_core.methods import Signal
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.method import MethodSpec


def check_pair(teacher: DetectorSpec, student: DetectorSpec, method: MethodSpec, field: str) -> None:
    """Raises ValueError naming what differs. Methods that read no signal match any pair."""
    method.resolve(student.family)
    if not method.requires:
        return
    theirs, ours = zoo.entry(teacher.zoo), zoo.entry(student.zoo)
    if theirs.strides != ours.strides:
        raise ValueError(
            f"{field}: the teacher's levels have strides {list(theirs.strides)}, the student's "
            f"{list(ours.strides)}; {method.name!r} compares level by level, so choose two detectors with equal strides"
        )
    if Signal.CLS in method.requires and theirs.scores_per_location != ours.scores_per_location:
        raise ValueError(
            f"{field}: the teacher scores {theirs.scores_per_location} anchors per location, the student "
            f"{ours.scores_per_location}; {method.name!r} imitates class scores, so choose detectors of one family"
        )
