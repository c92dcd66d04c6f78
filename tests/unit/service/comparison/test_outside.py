"""Rows from outside, by numbers worked by hand: what they are compared with, and what they never do."""

from dataclasses import replace

import numpy as np
import pytest

from service.comparison import CitedRecord, Comparison, ComparisonRow, IncomparableError, RunRecord, compare
from service.comparison.figures import deltas
from service.comparison.findings import Findings
from service.comparison.table import Table, TableRow, definitions, table_of

PAPER = CitedRecord(label="paper", metrics={"ap": 0.9, "ap50": 0.95}, citation="Du et al., 2021")


def row(comparison: Comparison, label: str) -> ComparisonRow:
    return next(row for row in comparison.rows if row.label == label)


def shown(table: Table, label: str) -> TableRow:
    return next(row for row in table.rows if row.label == label)


@pytest.fixture
def external(make_run) -> RunRecord:
    """Better than all that was run here; its file of boxes says nothing of an input size."""
    return make_run(
        "theirs", 0, 0.50, source="external", method=None, note="sent by Ann",
        input_size=None, schedule_hash="x", detector_hash="y", teacher_hash=None, step=0,
    )  # fmt: skip


@pytest.fixture
def compared(runs, external) -> Comparison:
    return compare([external, *runs], cited=[PAPER])


def test_they_come_last_and_say_what_they_are(compared):
    assert [(row.label, row.source) for row in compared.rows] == [
        ("teacher", "run"), ("none", "run"), ("frs", "run"), ("theirs", "external"), ("paper", "cited"),
    ]  # fmt: skip
    assert [row.note for row in compared.rows[3:]] == ["sent by Ann", "Du et al., 2021"]


def test_an_external_rows_difference_is_to_the_baselines_mean_and_claims_nothing(compared):
    theirs = row(compared, "theirs")
    assert theirs.delta_ap == pytest.approx(0.18)  # 0.50 - (0.30 + 0.32 + 0.34) / 3; seed 0 alone: 0.20
    assert (theirs.delta_ap_n, theirs.delta_ap_sd, theirs.is_clear) == (1, None, False)
    assert (theirs.seeds, theirs.n, theirs.gap_closed) == ((), 1, None)


def test_a_cited_row_has_its_numbers_and_no_difference(compared):
    paper = row(compared, "paper")
    assert (paper.metrics["ap"].mean, paper.metrics["ap"].sd, paper.metrics["ap50"].mean) == (0.9, None, 0.95)
    assert paper.metrics["ap75"].mean is None
    assert (paper.delta_ap, paper.delta_ap_n, paper.gap_closed, paper.is_clear) == (None, 0, None, False)
    assert (paper.seeds, paper.states) == ((), {})


def test_all_else_is_as_without_them(compared, runs):
    alone = compare(runs)
    assert compared.rows[:3] == alone.rows
    assert compared.verdict == alone.verdict
    assert "frs" in compared.verdict
    assert set(compared.warnings) >= set(alone.warnings)


def test_warnings_name_them_once(compared, runs):
    found = [warning for warning in compared.warnings if warning not in compare(runs).warnings]
    assert found == [
        "theirs comes from outside: how it was trained is not known here.",
        "paper is cited: the numbers were measured elsewhere, perhaps on other images or by another "
        "evaluator.",
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [({"dataset_hash": "e" * 64}, "data set"), ({"evaluator": "other"}, "evaluator"),
     ({"num_images": 71}, "number of evaluated images"), ({"input_size": (64, 64)}, "input size")],
)  # fmt: skip
def test_what_was_judged_otherwise_is_refused(runs, external, change, named):
    with pytest.raises(IncomparableError, match=rf"differ in {named}.*theirs seed 0 \(job theirs-0\)"):
        compare([*runs, replace(external, **change)])


@pytest.mark.parametrize("label", ["theirs", "none"])
def test_what_comes_from_outside_is_no_baseline(runs, external, label):
    others = [run for run in runs if run.label != "none"]
    comparison = compare([*others, replace(external, label=label)], baseline=label)
    assert all(row.delta_ap is None for row in comparison.rows)
    assert not any(row.remark == "baseline" for row in table_of(comparison).rows)
    assert any(f"The baseline {label!r} has no result" in warning for warning in comparison.warnings)


def test_an_external_rows_interval_is_paired_with_the_mean_of_the_baselines_draws(runs, external):
    draws = {0: np.array([0.1, 0.2, 0.3]), 1: np.array([0.3, 0.2, 0.1]), 2: np.array([0.2, 0.2, 0.2])}
    drawn = [replace(run, draws=draws[run.seed]) if run.label == "none" else run for run in runs]
    ours = replace(external, draws=np.array([0.5, 0.6, 0.7]))  # the baseline's means are 0.2, 0.2, 0.2
    interval = row(compare([*drawn, ours]), "theirs").delta_ap_interval
    assert interval == pytest.approx((0.305, 0.495))  # the quantiles 0.025 and 0.975 of 0.3, 0.4, 0.5
    assert not row(compare([*drawn, ours]), "theirs").is_clear
    assert row(compare([*drawn, external]), "theirs").delta_ap_interval is None
    assert row(compare([*runs, ours]), "theirs").delta_ap_interval is None


def test_one_that_is_still_being_judged_has_no_numbers_and_no_claim(runs, make_run):
    waiting = make_run("theirs", 0, None, source="external", state="queued", input_size=None)
    comparison = compare([*runs, waiting])
    theirs = row(comparison, "theirs")
    assert (theirs.n, theirs.delta_ap, theirs.states) == (0, None, {0: "queued"})
    assert comparison.warnings[0].startswith("1 of 7 jobs have not finished")
    assert not any("no result from seed" in warning for warning in comparison.warnings)


def test_the_table_marks_them_and_bolds_neither(compared):
    table = table_of(compared)
    cells = [
        dict(zip(table.columns, shown(table, label).cells, strict=True)) for label in ("theirs†", "paper‡")
    ]
    assert [
        (each["n"].text, each["AP"].text, each["Δ AP"].text, each["gap closed"].text) for each in cells
    ] == [
        ("1", "50.0", "+18.0", "n/a"),
        ("–", "90.0", "–", "–"),
    ]
    assert not any(cell.strong for each in cells for cell in each.values())
    assert [row.source for row in table.rows] == ["run", "run", "run", "external", "cited"]
    best = dict(zip(table.columns, shown(table, "frs").cells, strict=True))
    assert best["AP"].strong


def test_the_marks_are_defined_where_they_stand(compared, runs):
    text = "\n".join(definitions(compared))
    assert "† comes from outside" in text
    assert "‡ is cited" in text
    assert "theirs†: sent by Ann" in text
    assert "paper‡: Du et al., 2021" in text
    assert not set("†‡") & set("".join(definitions(compare(runs))))


def test_the_figure_marks_what_it_draws(compared):
    drawn = deltas.draw(Findings(comparison=compared, runs=()))
    assert drawn is not None
    assert "theirs†" in drawn.svg
    assert "paper" not in drawn.svg
