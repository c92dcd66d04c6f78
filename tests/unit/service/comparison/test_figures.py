"""The figures show what the runs hold, within their frames, whatever names they meet."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from service.comparison import RunCost, RunRecord, compare
from service.comparison.figures import Figure, figures_of
from service.comparison.figures.rows import MOST, chosen_rows, styles
from service.comparison.findings import ERRORS, Analysis, Findings
from tests.unit.service.comparison.conftest import MakeRun

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>&\"'\x07\x1b\ud800\uffff" + "x" * 166
MakeFindings = Callable[..., Findings]


@pytest.fixture
def find(make_run: MakeRun) -> MakeFindings:
    """Findings of rows given as label=(AP of seed 0, ...)."""

    def find(**aps: tuple[float, ...]) -> Findings:
        runs = [
            _full(make_run(label, seed, ap)) for label, each in aps.items() for seed, ap in enumerate(each)
        ]
        errors = {name: 0.01 * number for number, name in enumerate(ERRORS, start=1)}
        precision = np.linspace(1, 0, 101)[None].repeat(2, axis=0)
        analyses = {run.job_id: Analysis(precision=precision, errors=errors) for run in runs}
        return Findings(comparison=compare(runs), runs=tuple(runs), analyses=analyses)

    return find


def _full(run: RunRecord) -> RunRecord:
    assert run.ap is not None
    cost = RunCost(params=1_885_551, macs=957_321_216, latency_ms=20.0, device="cpu", threads=2)
    classes = {"cat": run.ap + 0.01, "dog": run.ap - 0.02, "none of them": None}
    return replace(run, cost=cost, per_class=classes, history=((1, run.ap / 2), (2, run.ap)))


def _figure(findings: Findings, name: str) -> Figure:
    [figure] = [figure for figure in figures_of(findings) if figure.name == name]
    return figure


def _parsed(figure: Figure) -> ElementTree.Element:
    return ElementTree.fromstring(figure.svg)


def test_every_kind_of_figure_is_drawn_where_there_is_something_to_draw(find: MakeFindings) -> None:
    drawn = [figure.name for figure in figures_of(find(teacher=(0.5,), none=(0.3, 0.31), frs=(0.33, 0.35)))]
    assert drawn == ["deltas", "cost", "curves", "classes", "sizes", "precision-recall", "errors"]


def test_nothing_is_drawn_of_nothing(make_run: MakeRun) -> None:
    runs = [make_run("none", 0, None)]
    assert figures_of(Findings(comparison=compare(runs), runs=tuple(runs))) == ()
    assert figures_of(Findings(comparison=compare([]), runs=())) == ()


def test_every_difference_has_its_row_in_order_and_its_dot_in_place(find: MakeFindings) -> None:
    figure = _figure(find(none=(0.3, 0.3), frs=(0.32, 0.33), pkd=(0.29, 0.31)), "deltas")
    assert [row[:2] for row in figure.rows] == [("frs", "+2.5"), ("pkd", "+0.0")]
    frs, pkd = _parsed(figure).findall(f"{SVG}g/{SVG}g/{SVG}circle")
    assert float(frs.get("cx", 0)) > float(pkd.get("cx", 0))
    assert (frs.get("fill"), pkd.get("fill")) == (None, "none")


def test_the_dot_of_no_difference_is_on_the_line_of_zero(find: MakeFindings) -> None:
    svg = _parsed(_figure(find(none=(0.3, 0.3), pkd=(0.29, 0.31)), "deltas"))
    [circle] = svg.findall(f"{SVG}g/{SVG}g/{SVG}circle")
    [zero] = [text for text in svg.findall(f"{SVG}text") if text.text == "0"]
    assert float(circle.get("cx", 0)) == pytest.approx(float(zero.get("x", 0)), abs=0.1)


@pytest.mark.parametrize("gain", [0.0, 1e-6, 0.003, 0.05, 0.69])
def test_everything_is_within_its_picture(find: MakeFindings, gain: float) -> None:
    for figure in figures_of(find(teacher=(0.99,), none=(0.3, 0.3), frs=(0.3 + gain, 0.3 + gain / 2))):
        svg = _parsed(figure)
        for each in svg.iter():
            for names, end in ((("x", "x1", "x2", "cx"), "width"), (("y", "y1", "y2", "cy"), "height")):
                places = [float(each.get(name, 0)) for name in names]
                assert all(0 <= place <= float(svg.get(end, 0)) for place in places), (
                    figure.name,
                    each.attrib,
                )


def test_classes_and_sizes_tell_what_the_runs_hold(find: MakeFindings) -> None:
    findings = find(none=(0.3, 0.32), frs=(0.33, 0.36))
    classes = _figure(findings, "classes")
    assert classes.rows[:2] == (("cat", "frs", "+3.5", "0.7", "2"), ("dog", "frs", "+3.5", "0.7", "2"))
    assert classes.rows[2] == ("none of them", "frs", "n/a", "–", "0")
    sizes = _figure(findings, "sizes")
    assert sizes.rows[0] == ("none", "31.0 ± 1.4", "31.0 ± 1.4", "31.0 ± 1.4", "2")


def test_a_class_of_a_row_from_outside_is_held_against_the_baselines_mean(make_run: MakeRun) -> None:
    runs = [_full(make_run("none", 0, 0.5)), _full(make_run("none", 1, 0.1))]
    runs.append(replace(_full(make_run("theirs", 0, 0.4)), source="external"))
    figure = _figure(Findings(comparison=compare(runs), runs=tuple(runs)), "classes")
    assert figure.rows[0] == ("cat", "theirs", "+10.0", "–", "1")


def test_a_student_that_still_runs_has_its_curve(make_run: MakeRun) -> None:
    going_on = replace(make_run("frs", 0, None, state="running"), history=((1, 0.1), (2, 0.2)))
    runs = [_full(make_run("teacher", 0, 0.5)), going_on]
    figure = _figure(Findings(comparison=compare(runs), runs=tuple(runs)), "curves")
    assert figure.svg.count("<path") >= 2
    assert ("frs", "2", "20.0", "–", "1") in figure.rows


def test_curves_are_means_over_seeds_and_the_teacher_is_level(find: MakeFindings) -> None:
    figure = _figure(find(teacher=(0.5,), none=(0.3, 0.32)), "curves")
    assert ("none", "1", "15.5", "0.7", "2") in figure.rows
    assert [row for row in figure.rows if row[0] == "teacher"] == [("teacher", "2", "50.0", "–", "1")]


def test_errors_and_precision_are_means_over_seeds(find: MakeFindings) -> None:
    findings = find(none=(0.3, 0.32))
    assert _figure(findings, "errors").rows == (("none", "1.0", "2.0", "3.0", "4.0", "5.0", "6.0"),)
    assert _figure(findings, "precision-recall").rows[0][:4] == ("none", "0.50", "1.000", "0.900")


def test_more_rows_than_can_be_read_leave_the_teacher_the_baseline_and_the_best(find: MakeFindings) -> None:
    aps = {f"m{number}": (0.3 + number / 100,) for number in range(12)}
    findings = find(teacher=(0.5,), none=(0.1,), **aps)
    rows, sentence = chosen_rows(findings)
    assert len(rows) == MOST
    assert [row.label for row in rows] == ["teacher", "none", "m6", "m7", "m8", "m9", "m10", "m11"]
    assert "Of 14 rows" in sentence
    looks = styles(findings)
    assert len({looks[row.label].number for row in rows}) == MOST
    assert len(_figure(findings, "sizes").rows) == 14


def test_names_are_text_and_nothing_else(find: MakeFindings) -> None:
    findings = find(**{"none": (0.3, 0.3), HOSTILE: (0.32, 0.33)})
    for figure in figures_of(findings):
        assert "<script" not in figure.svg
        assert not [each for each in _parsed(figure).iter() if "script" in each.tag]
