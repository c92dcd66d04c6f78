"""Numbers worked by hand; what may stand side by side; what a reader is warned of."""

import math
from dataclasses import replace

import pytest

from service.comparison import (
    Comparison,
    ComparisonRow,
    IncomparableError,
    RunCost,
    SearchRecord,
    Statistic,
    compare,
)


def row(comparison: Comparison, label: str) -> ComparisonRow:
    return next(row for row in comparison.rows if row.label == label)


def test_mean_sd_and_n_over_the_finished_seeds(runs):
    ap = row(compare(runs), "none").metrics["ap"]
    assert ap.mean == pytest.approx(0.32)
    assert ap.sd == pytest.approx(0.02)  # sqrt((0.02^2 + 0 + 0.02^2) / 2)
    assert ap.n == 3


def test_one_value_has_no_spread(runs):
    assert row(compare(runs), "teacher").metrics["ap"].sd is None


def test_the_difference_is_paired_over_the_seeds_both_have(runs):
    frs = row(compare(runs), "frs")
    assert frs.delta_ap == pytest.approx(0.035)  # (0.04 + 0.03) / 2, where unpaired means differ by 0.025
    assert frs.delta_ap_sd == pytest.approx(0.01 / math.sqrt(2))
    assert frs.delta_ap_n == 2


def test_the_share_of_the_gap_uses_the_common_seeds(runs):
    assert row(compare(runs), "frs").gap_closed == pytest.approx(
        0.035 / 0.09
    )  # (0.345 - 0.31) / (0.40 - 0.31)


def test_a_student_that_overtakes_its_teacher_closes_more_than_the_gap(runs, make_run):
    runs = [*runs, make_run("better", 0, 0.45)]
    assert row(compare(runs), "better").gap_closed == pytest.approx(1.5)


@pytest.mark.parametrize(("teacher", "share"), [(0.3029, None), (0.303, 10.0), (0.29, None)])
def test_no_share_of_a_gap_under_three_tenths_of_a_point(make_run, teacher, share):
    runs = [make_run("teacher", 0, teacher), make_run("none", 0, 0.30), make_run("frs", 0, 0.33)]
    comparison = compare(runs)
    assert row(comparison, "frs").gap_closed == (None if share is None else pytest.approx(share))
    assert any("no share of the gap" in warning for warning in comparison.warnings) is (share is None)


def test_the_teacher_is_the_first_row_and_has_no_difference(runs):
    first = compare(list(reversed(runs))).rows[0]
    assert (first.label, first.role, first.delta_ap, first.gap_closed) == ("teacher", "teacher", None, None)


def test_rows_keep_the_order_of_the_experiment(runs):
    assert [row.label for row in compare(runs).rows] == ["teacher", "none", "frs"]


def test_a_metric_that_coco_could_not_give_is_left_out_of_its_mean(runs):
    runs[1] = replace(runs[1], metrics={**runs[1].metrics, "ap_s": None})
    none = row(compare(runs), "none")
    assert (none.metrics["ap_s"].n, none.metrics["ap"].n) == (2, 3)
    assert none.metrics["ap_s"].mean == pytest.approx(0.33)


def test_all_twelve_metrics_are_there(runs):
    assert list(row(compare(runs), "frs").metrics) == [
        "ap", "ap50", "ap75", "ap_s", "ap_m", "ap_l", "ar_1", "ar_10", "ar_100", "ar_s", "ar_m", "ar_l",
    ]  # fmt: skip


def test_the_baseline_may_carry_a_label_of_its_own(runs):
    renamed = [replace(run, label="plain") if run.label == "none" else run for run in runs]
    comparison = compare(renamed)
    assert comparison.baseline == "plain"
    assert row(comparison, "frs").delta_ap == pytest.approx(0.035)


def test_another_baseline_can_be_named(runs):
    comparison = compare(runs, baseline="frs")
    assert row(comparison, "none").delta_ap == pytest.approx(-0.035)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dataset_hash": "e" * 64}, "data set"),
        ({"evaluator": "pycocotools 2.0.11"}, "evaluator"),
        ({"split": "val"}, "split"),
        ({"num_images": 71}, "number of evaluated images"),
        ({"input_size": (640, 480)}, "input size"),
        ({"schedule_hash": "longer"}, "schedule"),
        ({"detector_hash": "wider"}, "student's architecture"),
        ({"teacher_hash": "another"}, "teacher"),
        ({"step": 50}, "number of training steps"),
    ],
)
def test_runs_that_differ_are_refused_by_what_differs_and_by_name(runs, change, named):
    runs[2] = replace(runs[2], **change)
    with pytest.raises(IncomparableError, match=rf"differ in {named}.*frs seed 0 \(job frs-0\)"):
        compare(runs)


def test_the_teacher_has_a_schedule_and_an_architecture_of_its_own(runs):
    assert runs[0].schedule_hash != runs[1].schedule_hash
    assert compare([replace(runs[0], step=999), *runs[1:]]).rows


def test_a_run_without_a_result_cannot_make_a_comparison_impossible(runs, make_run):
    unfinished = make_run("frs", 2, None, state="running", schedule_hash="another")
    assert row(compare([*runs, unfinished]), "frs").n == 2


def test_one_seed_counts_once(runs):
    with pytest.raises(IncomparableError, match=r"frs-0 and again are both seed 0 of 'frs'"):
        compare([*runs, replace(runs[2], job_id="again")])


def test_seeds_without_a_result_are_named_with_their_state(runs, make_run):
    comparison = compare([*runs, make_run("frs", 2, None, state="failed")])
    assert "frs: no result from seed 2 (failed)." in comparison.warnings
    assert row(comparison, "frs").states == {0: "succeeded", 1: "succeeded", 2: "failed"}
    assert not any("have not finished" in warning for warning in comparison.warnings)


def test_an_experiment_that_still_runs_says_how_much_is_missing(runs, make_run):
    comparison = compare([*runs, make_run("frs", 2, None, state="running")])
    assert comparison.warnings[0].startswith("1 of 7 jobs have not finished")


def test_a_success_without_an_evaluation_is_not_passed_over(runs, make_run):
    comparison = compare([*runs, make_run("frs", 2, None)])
    assert "frs: no result from seed 2 (succeeded, but without an evaluation)." in comparison.warnings


def test_of_several_teachers_there_is_no_gap(runs, make_run):
    comparison = compare([*runs, make_run("teacher", 1, 0.5)])
    assert row(comparison, "frs").gap_closed is None
    assert "Several teachers are shown, so no share of the gap to one can be given." in comparison.warnings


def test_one_seed_makes_no_claim(make_run):
    comparison = compare([make_run("teacher", 0, 0.4), make_run("none", 0, 0.3), make_run("frs", 0, 0.39)])
    assert any("n = 1" in warning and "none, frs" in warning for warning in comparison.warnings)


def test_rows_with_different_numbers_of_seeds_are_pointed_out(runs):
    assert any("(none 3, frs 2)" in warning for warning in compare(runs).warnings)


def test_a_comparison_on_val_says_so(runs):
    on_val = compare([replace(run, split="val") for run in runs])
    assert on_val.split == "val"
    assert any("no `test` split" in warning for warning in on_val.warnings)
    assert not any("no `test` split" in warning for warning in compare(runs).warnings)


def test_without_a_baseline_there_is_no_difference_and_a_warning(runs):
    comparison = compare([run for run in runs if run.label != "none"])
    assert row(comparison, "frs").delta_ap is None
    assert row(comparison, "frs").gap_closed is None
    assert any("baseline 'none' has no result" in warning for warning in comparison.warnings)


def test_without_a_teacher_there_is_a_difference_but_no_share(runs):
    comparison = compare(runs[1:])
    assert row(comparison, "frs").delta_ap == pytest.approx(0.035)
    assert row(comparison, "frs").gap_closed is None
    assert any("teacher has no result" in warning for warning in comparison.warnings)


def test_nothing_finished_is_rows_without_numbers(make_run):
    comparison = compare([make_run("none", 0, None, state="queued")])
    ap = comparison.rows[0].metrics["ap"]
    assert (ap.mean, ap.sd, ap.n) == (None, None, 0)


def test_rows_that_started_otherwise_than_the_baseline_are_pointed_out(make_run):
    runs = [make_run("teacher", 0, 0.5), make_run("none", 0, 0.3), make_run("frs", 0, 0.4, init="inherit")]
    [warning] = [text for text in compare(runs).warnings if "did not start" in text]
    assert "frs (inherit)" in warning
    assert "none did (scratch)" in warning


def test_latencies_of_different_devices_are_not_averaged(make_run):
    def cost(latency, device):
        return RunCost(params=7, macs=9, latency_ms=latency, device=device, threads=1)

    alike = [make_run("none", seed, 0.3, cost=cost(10.0 + seed, "cpu")) for seed in (0, 2)]
    other = make_run("none", 1, 0.3, cost=cost(1.0, "gpu"))
    assert row(compare(alike), "none").latency_ms == Statistic(mean=11.0, sd=2**0.5, n=2)
    mixed = row(compare([*alike, other]), "none")
    assert (mixed.params, mixed.macs, mixed.latency_ms.n) == (7, 9, 0)


def test_what_an_experiment_expects_stands_beside_what_was_measured(runs):
    promised = {"teacher": 0.404, "frs": 0.397}
    expecting = [replace(run, expected_ap=promised.get(run.label)) for run in runs]
    comparison = compare([replace(run, split="val") for run in expecting])
    assert [row.expected_ap for row in comparison.rows] == [0.404, None, 0.397]
    surprises = [warning for warning in comparison.warnings if "expected" in warning]
    assert surprises == ["frs: AP 34.5 is -5.2 from the 39.7 that was expected."], (
        "0.4 points are no surprise"
    )
    assert not [warning for warning in compare(expecting).warnings if "expected" in warning], "not on val"


def searched(make_run, values, chosen):
    tried = tuple(({"weight": value}, 0.3) for value in values)
    return make_run("frs", 0, 0.34, search=SearchRecord(tried=tried, chosen=chosen, split="val"))


@pytest.mark.parametrize(("chosen", "words"), [(0, "smallest"), (1, ""), (2, "largest")])
def test_a_best_value_at_the_edge_of_what_was_tried_is_told(make_run, chosen, words):
    runs = [make_run("teacher", 0, 0.4), make_run("none", 0, 0.3), searched(make_run, (0.1, 1, 10), chosen)]
    told = [warning for warning in compare(runs).warnings if "search further" in warning]
    assert len(told) == bool(words)
    assert all(words in warning and "frs" in warning for warning in told)
