"""The sentence claims what stands out of its luck, and nothing else."""

from collections.abc import Sequence

import numpy as np
import pytest

from service.comparison import Comparison, RunRecord, compare
from service.comparison.standing import Best, best_row
from service.comparison.verdict import NO_RESULT
from tests.unit.service.comparison.conftest import MakeRun

APS = {"none": (0.30, 0.31, 0.29), "frs": (0.33, 0.345, 0.318), "pkd": (0.301, 0.305, 0.30)}


def _compared(make_run: MakeRun, num_seeds: int = 3, **draws: Sequence[float]) -> Comparison:
    """Of `APS`; `draws` are what a draw adds to a method's AP in each of three draws."""
    runs: list[RunRecord] = [make_run("teacher", 0, 0.37)]
    for label, aps in APS.items():
        for seed, ap in enumerate(aps[:num_seeds]):
            drawn = ap + np.array(draws[label]) if label in draws else None
            runs.append(make_run(label, seed, ap, draws=drawn))
    return compare(runs)


def _row(comparison: Comparison, label: str) -> "tuple[tuple[float, float] | None, bool]":
    [row] = [row for row in comparison.rows if row.label == label]
    return row.delta_ap_interval, row.is_clear


def test_a_clear_gain_is_said_with_both_its_spreads_and_the_gap_that_it_closes(make_run: MakeRun) -> None:
    comparison = _compared(make_run, none=(0, 0, 0), frs=(-0.01, 0, 0.01), pkd=(0, 0, 0))
    assert comparison.verdict == (
        "frs +3.1 AP over none (95 % interval 2.2 to 4.1 over the images, ± 0.4 over 3 seeds); "
        "it closes 44 % of the gap to the teacher."
    )
    interval, is_clear = _row(comparison, "frs")
    assert is_clear
    assert interval == pytest.approx((0.0215, 0.0405), abs=1e-4)


def test_a_gain_whose_interval_holds_zero_is_not_claimed(make_run: MakeRun) -> None:
    comparison = _compared(make_run, none=(0, 0, 0), frs=(-0.05, 0, 0.05), pkd=(0, 0, 0))
    assert comparison.verdict.startswith(
        "No method is clearly better than none: the best, frs, differs by +3.1"
    )
    assert not _row(comparison, "frs")[1]


def test_a_gain_within_the_spread_of_seeds_is_not_claimed(make_run: MakeRun) -> None:
    assert not _row(_compared(make_run), "pkd")[1]


def test_without_draws_the_seeds_alone_are_said(make_run: MakeRun) -> None:
    comparison = _compared(make_run)
    assert comparison.verdict.startswith("frs +3.1 AP over none (± 0.4 over 3 seeds); it closes")
    assert _row(comparison, "frs") == (None, True)


def test_an_interval_needs_the_draws_of_every_common_seed(make_run: MakeRun) -> None:
    assert _row(_compared(make_run, frs=(0, 0, 0)), "frs")[0] is None
    comparison = _compared(make_run, none=(0, 0, 0), frs=(0, 0, 0))
    assert _row(comparison, "none") == (None, False)


def test_one_seed_is_no_claim_and_under_three_tenths_a_tie(make_run: MakeRun) -> None:
    assert _compared(make_run, num_seeds=1).verdict.startswith(
        "No claim yet: frs differs from none by +3.0 AP"
    )
    runs = [make_run("none", 0, 0.30), make_run("frs", 0, 0.302)]
    assert compare(runs).verdict == "frs and none tie: +0.2 AP from one seed, under 0.3 points."


def test_a_clear_gain_is_not_hidden_by_a_larger_one_that_is_luck_or_of_one_seed(make_run: MakeRun) -> None:
    aps = {"none": (0.30, 0.30), "frs": (0.317, 0.319), "pkd": (0.30, 0.345), "fgd": (0.35,)}
    runs = [make_run(label, seed, ap) for label, each in aps.items() for seed, ap in enumerate(each)]
    comparison = compare(runs)
    assert comparison.verdict.startswith("frs +1.8 AP over none")
    best = best_row(comparison)
    assert (best.label, best.n, best.is_clear) == ("frs", 2, True)


def test_where_all_are_worse_that_is_said(make_run: MakeRun) -> None:
    runs = [make_run(label, seed, ap) for label, ap in (("none", 0.3), ("frs", 0.2)) for seed in (0, 1)]
    assert compare(runs).verdict == (
        "No method is better than none: the best, frs, has −10.0 AP (± 0.0 over 2 seeds)."
    )


def test_without_a_difference_there_is_no_sentence(make_run: MakeRun) -> None:
    assert compare([make_run("none", 0, 0.3)]).verdict == ""


def test_numbers_of_a_part_of_the_images_are_never_a_result(make_run: MakeRun) -> None:
    few = [make_run("none", seed, 0.3, max_images=16) for seed in range(3)]
    few += [make_run("frs", seed, 0.4 + 0.01 * seed, max_images=16) for seed in range(3)]
    comparison = compare(few)
    assert comparison.verdict == NO_RESULT
    assert comparison.max_images == 16
    assert comparison.warnings[0].startswith("At most 16 images of each split were used")
    assert best_row(comparison) == Best()
