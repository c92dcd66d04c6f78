"""What a reader must know before believing a comparison. Each function gives sentences, or none."""

from collections.abc import Iterator, Sequence

from frs_core.spec.job import AP_TOLERANCE
from service.comparison.records import RunRecord
from service.comparison.result import ComparisonRow
from service.comparison.statistics import is_a_gap

_ENDED = frozenset({"succeeded", "failed", "cancelled", "blocked"})


def warnings_of(
    rows: Sequence[ComparisonRow], runs: Sequence[RunRecord], *, baseline: str
) -> tuple[str, ...]:
    """All warnings, the gravest first."""
    own = [row for row in rows if row.source == "run"]
    return (
        *_partial(runs),
        *_unfinished(runs),
        *_missing_seeds(own),
        *_missing_sides(own, baseline),
        *_several_teachers(runs),
        *_small_gap(runs, own, baseline),
        *_single_seed(own),
        *_unequal_seeds(own),
        *_unequal_starts(runs, baseline),
        *_edges(own),
        *_unexpected(own, runs),
        *_from_outside(rows),
        *_validation_split(runs),
    )


def _partial(runs: Sequence[RunRecord]) -> Iterator[str]:
    limits = sorted({run.max_images for run in runs if run.max_images is not None})
    if limits:
        yield (
            f"At most {' or '.join(map(str, limits))} images of each split were used "
            "(`dataset.max_images`): a trial, whose numbers say nothing of any method."
        )


def _from_outside(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    external = [row.label for row in rows if row.source == "external"]
    cited = [row.label for row in rows if row.source == "cited"]
    if external:
        verb = "comes" if len(external) == 1 else "come"
        yield f"{', '.join(external)} {verb} from outside: how it was trained is not known here."
    if cited:
        verb = "is" if len(cited) == 1 else "are"
        yield (
            f"{', '.join(cited)} {verb} cited: the numbers were measured elsewhere, perhaps on other images "
            "or by another evaluator."
        )


def _unequal_starts(runs: Sequence[RunRecord], baseline: str) -> Iterator[str]:
    starts = {run.label: run.init for run in runs if run.role == "student" and run.source == "run"}
    start = starts.get(baseline)
    others = [f"{label} ({init})" for label, init in starts.items() if init != start]
    if start is not None and others:
        yield (
            f"{', '.join(others)} did not start as the baseline {baseline} did ({start}): the difference is "
            "of start and method together; compare with a baseline of the same init."
        )


def _unfinished(runs: Sequence[RunRecord]) -> Iterator[str]:
    count = sum(run.state not in _ENDED for run in runs)
    if count:
        yield f"{count} of {len(runs)} jobs have not finished: this compares what is there so far."


def _missing_seeds(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    for row in rows:
        missing = [
            f"{seed} ({'succeeded, but without an evaluation' if state == 'succeeded' else state})"
            for seed, state in row.states.items()
            if seed not in row.seeds
        ]
        if missing:
            yield f"{row.label}: no result from seed {', '.join(missing)}."


def _missing_sides(rows: Sequence[ComparisonRow], baseline: str) -> Iterator[str]:
    if not any(row.label == baseline and row.metrics["ap"].n for row in rows):
        yield f"The baseline {baseline!r} has no result: no differences and no shares of the gap."
    if not any(row.role == "teacher" and row.metrics["ap"].n for row in rows):
        yield "The teacher has no result, so no share of the gap can be given."


def _several_teachers(runs: Sequence[RunRecord]) -> Iterator[str]:
    if len({run.ap for run in runs if run.role == "teacher" and run.ap is not None}) > 1:
        yield "Several teachers are shown, so no share of the gap to one can be given."


def _small_gap(runs: Sequence[RunRecord], rows: Sequence[ComparisonRow], baseline: str) -> Iterator[str]:
    if any(_several_teachers(runs)):
        return
    teacher = next((row.metrics["ap"].mean for row in rows if row.role == "teacher"), None)
    start = next((row.metrics["ap"].mean for row in rows if row.label == baseline), None)
    if teacher is not None and start is not None and not is_a_gap(teacher - start):
        lead = 100 * (teacher - start)
        seen = (
            f"leads the baseline by {lead:.2f} points of AP only"
            if lead >= 0
            else (f"is {-lead:.2f} points of AP below the baseline")
        )
        yield f"The teacher {seen}; under a lead of 0.3 points no share of the gap is given."


def _single_seed(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    labels = [row.label for row in rows if row.role == "student" and row.n == 1]
    if labels:
        yield (
            f"Only one seed (n = 1): {', '.join(labels)}. One seed has no spread and supports no claim; "
            "run more seeds."
        )


def _unequal_seeds(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    counts = {row.label: row.n for row in rows if row.role == "student"}
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{label} {count}" for label, count in counts.items())
        yield f"The rows rest on different numbers of seeds ({shown}); a difference uses the seeds both have."


def _edges(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    """Of searches whose best value has nothing tried beyond it."""
    found: dict[str, list[str]] = {"smallest": [], "largest": []}
    for row in rows:
        if row.search is None:
            continue
        best = row.search.tried[row.search.chosen].values
        for parameter, value in best.items():
            tried = {trial.values[parameter] for trial in row.search.tried}
            numbers = sorted(each for each in tried if isinstance(each, int | float))
            if len(numbers) > 1 and value in (numbers[0], numbers[-1]):
                found["smallest" if value == numbers[0] else "largest"].append(row.label)
    for side, labels in found.items():
        if labels:
            yield (
                f"The {side} value tried was the best for {', '.join(labels)}: beyond it may be a better "
                "one; search further, for every method alike."
            )


def _unexpected(rows: Sequence[ComparisonRow], runs: Sequence[RunRecord]) -> Iterator[str]:
    """Of rows whose AP is not the one expected; both are of val, or they are not held against each other."""
    for row in rows:
        mean = row.metrics["ap"].mean
        if row.expected_ap is None or mean is None or runs[0].split != "val":
            continue
        if abs(mean - row.expected_ap) > AP_TOLERANCE:
            yield (
                f"{row.label}: AP {100 * mean:.1f} is {100 * (mean - row.expected_ap):+.1f} from the "
                f"{100 * row.expected_ap:.1f} that was expected."
            )


def _validation_split(runs: Sequence[RunRecord]) -> Iterator[str]:
    if runs and runs[0].split == "val":
        yield "Measured on `val`, because the data set has no `test` split."
