"""The comparison itself: rows of one label each, against a baseline and a teacher."""

from collections.abc import Mapping, Sequence

from frs_core.events import COCO_METRICS
from service.comparison.bootstrap import difference_interval
from service.comparison.guard import check_comparable
from service.comparison.outside import cited_row, external_difference, external_interval
from service.comparison.records import CitedRecord, RunCost, RunRecord, SearchRecord
from service.comparison.result import Comparison, ComparisonRow, Search, Statistic, Trial
from service.comparison.statistics import gap_closed, paired_difference, statistic
from service.comparison.verdict import verdict
from service.comparison.warnings import warnings_of

_NOTHING = Statistic(mean=None, sd=None, n=0)


def compare(
    runs: Sequence[RunRecord],
    *,
    cited: Sequence[CitedRecord] = (),
    baseline: str = "none",
    experiment: str = "",
    name: str = "",
) -> Comparison:
    """One row per label over the seeds that have a result; see `ComparisonRow` for what each number is.

    `baseline` is a row's label; if no row has it, the one row whose method is so named stands for it. It is
    one that was run here. `cited` rows come last, beside no difference.
    `experiment` and `name` are carried through. Raises IncomparableError where runs with a result differ
    in data set, evaluator, split, input size or number of images, or students in schedule, architecture,
    teacher or number of steps.
    """
    check_comparable(runs)
    groups = _by_label(runs)
    own = {label: members for label, members in groups.items() if members[0].source == "run"}
    found = _baseline_label(own, baseline)
    baseline_runs = own.get(found, ())
    teacher = _teacher_ap(runs)
    rows = (
        *(_row(label, members, baseline_runs, teacher) for label, members in groups.items()),
        *map(cited_row, cited),
    )
    limits = [run.max_images for run in runs if run.max_images is not None]
    return Comparison(
        experiment=experiment,
        name=name,
        baseline=found,
        split=runs[0].split if runs else "val",
        rows=rows,
        verdict=verdict(rows, baseline=found, is_partial=bool(limits)),
        max_images=min(limits, default=None),
        warnings=warnings_of(rows, runs, baseline=found),
    )


def _by_label(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Teachers first, then in the order of appearance, from outside last; seeds ascend within a label."""
    groups: dict[str, list[RunRecord]] = {}
    for run in sorted(runs, key=lambda run: (run.role != "teacher", run.source != "run")):
        groups.setdefault(run.label, []).append(run)
    return {label: sorted(members, key=lambda run: run.seed) for label, members in groups.items()}


def _baseline_label(groups: Mapping[str, Sequence[RunRecord]], baseline: str) -> str:
    if baseline in groups:
        return baseline
    candidates = [label for label, members in groups.items() if members[0].method == baseline]
    return candidates[0] if len(candidates) == 1 else baseline


def _teacher_ap(runs: Sequence[RunRecord]) -> float | None:
    """None without a result, and where there are several: the gap would be to none of them."""
    found = {run.ap for run in runs if run.role == "teacher" and run.ap is not None}
    return found.pop() if len(found) == 1 else None


def _ap_by_seed(runs: Sequence[RunRecord]) -> dict[int, float]:
    return {run.seed: run.ap for run in runs if run.ap is not None}


def _row(
    label: str, runs: Sequence[RunRecord], baseline_runs: Sequence[RunRecord], teacher_ap: float | None
) -> ComparisonRow:
    first = runs[0]
    baseline_ap = _ap_by_seed(baseline_runs)
    finished = [run.metrics for run in runs if run.metrics is not None]
    is_student, is_own = first.role == "student", first.source == "run"
    ap = _ap_by_seed(runs)
    paired = paired_difference(ap, baseline_ap) if is_own else external_difference(first.ap, baseline_ap)
    delta = paired if is_student else _NOTHING
    costs = [run.cost for run in runs if run.cost is not None]
    return ComparisonRow(
        label=label,
        method=first.method,
        role=first.role,
        source=first.source,
        seeds=tuple(run.seed for run in runs if run.metrics is not None and is_own),
        states={run.seed: run.state for run in runs},
        metrics={name: statistic(metrics.get(name) for metrics in finished) for name in COCO_METRICS},
        delta_ap=delta.mean,
        delta_ap_sd=delta.sd,
        delta_ap_n=delta.n,
        delta_ap_interval=_interval(runs, baseline_runs) if is_student else None,
        gap_closed=gap_closed(ap, baseline_ap, teacher_ap) if is_student and is_own else None,
        params=costs[0].params if costs else None,
        macs=costs[0].macs if costs else None,
        latency_ms=_latency(costs),
        expected_ap=first.expected_ap,
        best_val_ap=statistic(run.best_val_ap for run in runs),
        search=_search(first.search),
        note=first.note,
    )


def _interval(ours: Sequence[RunRecord], theirs: Sequence[RunRecord]) -> tuple[float, float] | None:
    """Over the seeds that both have; None unless all of them were drawn from, or for the same runs."""
    if ours[0].source != "run":
        return external_interval(ours[0], theirs)
    mine = {run.seed: run for run in ours if run.ap is not None}
    pairs = [(mine[run.seed].draws, run.draws) for run in theirs if run.ap is not None and run.seed in mine]
    known = [(our, their) for our, their in pairs if our is not None and their is not None]
    if not pairs or len(known) < len(pairs) or ours is theirs:
        return None
    return difference_interval([our for our, _ in known], [their for _, their in known])


def _search(search: SearchRecord | None) -> Search | None:
    if search is None:
        return None
    tried = tuple(Trial(values=dict(values), ap=ap) for values, ap in search.tried)
    return Search(tried=tried, chosen=search.chosen, split=search.split)


def _latency(costs: Sequence[RunCost]) -> Statistic:
    alike = len({(cost.device, cost.threads) for cost in costs}) == 1
    return statistic(cost.latency_ms for cost in costs) if alike else _NOTHING
