"""Refuses to put side by side what was not measured alike."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from service.comparison.records import RunRecord

Trait = tuple[str, Callable[[RunRecord], Any]]

_OF_ALL: tuple[Trait, ...] = (
    ("data set", lambda run: run.dataset_hash),
    ("evaluator", lambda run: run.evaluator),
    ("split", lambda run: run.split),
    ("number of evaluated images", lambda run: run.num_images),
)
_OF_DETECTORS: tuple[Trait, ...] = (("input size", lambda run: run.input_size),)
_OF_STUDENTS: tuple[Trait, ...] = (
    ("schedule", lambda run: run.schedule_hash),
    ("student's architecture", lambda run: run.detector_hash),
    ("teacher", lambda run: run.teacher_hash),
    ("number of training steps", lambda run: run.step),
)


class IncomparableError(ValueError):
    """Runs that differ in what must be equal. The message names what differs and which runs hold which."""


def check_comparable(runs: Sequence[RunRecord]) -> None:
    """Raises IncomparableError unless all runs with a result were trained and measured alike.

    Of what comes from outside only the measuring is known, and of predictions no input size.
    """
    finished = [run for run in runs if run.metrics is not None]
    _check_no_repeats(runs)
    _check_equal(finished, _OF_ALL)
    _check_equal([run for run in finished if run.input_size is not None], _OF_DETECTORS)
    own = [run for run in finished if run.role == "student" and run.source == "run"]
    _check_equal(own, _OF_STUDENTS)


def _check_no_repeats(runs: Iterable[RunRecord]) -> None:
    seen: dict[tuple[str, int], str] = {}
    for run in runs:
        other = seen.setdefault((run.label, run.seed), run.job_id)
        if other != run.job_id:
            raise IncomparableError(
                f"jobs {other} and {run.job_id} are both seed {run.seed} of {run.label!r}: "
                "one seed counts once, so compare only one of them"
            )


def _check_equal(runs: Sequence[RunRecord], traits: Iterable[Trait]) -> None:
    for name, trait in traits:
        groups: dict[Any, list[RunRecord]] = {}
        for run in runs:
            if trait(run) is not None:  # one that has no teacher differs from nobody in it
                groups.setdefault(trait(run), []).append(run)
        if len(groups) > 1:
            sides = "; ".join(f"{_short(value)}: {_named(members)}" for value, members in groups.items())
            raise IncomparableError(f"these runs differ in {name} and cannot be compared ({sides})")


def _short(value: Any) -> str:
    text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"


def _named(runs: Sequence[RunRecord]) -> str:
    shown = ", ".join(f"{run.label} seed {run.seed} (job {run.job_id})" for run in runs[:3])
    return shown if len(runs) <= 3 else f"{shown} and {len(runs) - 3} more"
