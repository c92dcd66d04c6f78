"""The drawing of differences shows what the rows hold."""

from xml.etree import ElementTree

import pytest

from service.comparison import compare
from service.comparison.figure import delta_figure
from tests.unit.service.comparison.conftest import MakeRun

SVG = "{http://www.w3.org/2000/svg}"


def _drawn(make_run: MakeRun, **aps: tuple[float, ...]) -> ElementTree.Element:
    runs = [make_run(label, seed, ap) for label, each in aps.items() for seed, ap in enumerate(each)]
    return ElementTree.fromstring(delta_figure(compare(runs)))


def test_every_difference_has_its_row_in_order_and_its_dot_in_place(make_run: MakeRun) -> None:
    svg = _drawn(make_run, none=(0.3, 0.3), frs=(0.32, 0.33), pkd=(0.29, 0.31))
    rows = svg.findall(f"{SVG}g")
    assert [[text.text for text in row.findall(f"{SVG}text")] for row in rows] == [
        ["frs", "+2.5"],
        ["pkd", "+0.0"],
    ]
    frs, pkd = (row.find(f"{SVG}circle") for row in rows)
    assert frs is not None
    assert pkd is not None
    assert float(frs.get("cx", 0)) > float(pkd.get("cx", 0))
    assert (frs.get("fill"), pkd.get("fill")) == ("currentColor", "none")


def test_the_dot_of_no_difference_is_on_the_line_of_zero(make_run: MakeRun) -> None:
    svg = _drawn(make_run, none=(0.3, 0.3), pkd=(0.29, 0.31))
    circle = svg.find(f"{SVG}g/{SVG}circle")
    [zero] = [text for text in svg.findall(f"{SVG}text") if text.text == "0"]
    assert circle is not None
    assert float(circle.get("cx", 0)) == pytest.approx(float(zero.get("x", 0)), abs=0.1)


@pytest.mark.parametrize("gain", [0.0, 1e-6, 0.003, 0.05, 0.69])
def test_everything_is_within_the_picture(make_run: MakeRun, gain: float) -> None:
    svg = _drawn(make_run, none=(0.3, 0.3), frs=(0.3 + gain, 0.3 + gain / 2))
    width = float(svg.get("width", 0))
    places = [float(each.get("x1") or each.get("cx") or each.get("x") or 0) for each in svg.iter()]
    assert all(0 <= place <= width for place in places)
    assert len(svg.findall(f"{SVG}line")) <= 12


def test_without_a_difference_nothing_is_drawn(make_run: MakeRun) -> None:
    assert delta_figure(compare([make_run("none", 0, 0.3)])) == ""
