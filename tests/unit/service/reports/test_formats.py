"""What each format makes of the same comparison."""

import base64
import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image
from pypdf import PdfReader

from frs_core.events import COCO_METRICS
from service import reports
from service.comparison import Comparison, ComparisonRow, Statistic
from service.comparison.result import Search, Trial
from service.reports.material.dossier import Dossier, Example, Metric, Panel, Sheet

THIRD = 1 / 3


def render(name: str, comparison: Comparison):
    return reports.get(name).render(Dossier.of(comparison))


def make_row(label: str, *, role: str = "student", delta: float | None = 0.0215) -> ComparisonRow:
    return ComparisonRow(
        label=label, method="frs", role=role, seeds=(0, 1), states={0: "succeeded", 1: "succeeded"},
        metrics={name: Statistic(mean=THIRD, sd=0.0123, n=2) for name in COCO_METRICS},
        delta_ap=delta, delta_ap_sd=0.001, delta_ap_n=2, gap_closed=1.254,
    )  # fmt: skip


def make_comparison(*rows: ComparisonRow, warnings: tuple[str, ...] = ()) -> Comparison:
    return Comparison(
        experiment="abc", name="cells", baseline="none", split="test", rows=rows, warnings=warnings
    )


def lines_of_csv(*rows: ComparisonRow) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render("csv", make_comparison(*rows)))))


def test_json_has_the_documented_form():
    written = json.loads(render("json", make_comparison(make_row("frs"), warnings=("careful",))))
    assert set(written) == {
        "schema_version", "experiment", "name", "baseline", "split", "rows", "verdict", "warnings", "runs",
            "max_images",
        "differences",
    }  # fmt: skip
    assert written["warnings"] == ["careful"]
    assert written["rows"][0]["metrics"]["ap"] == {"mean": THIRD, "sd": 0.0123, "n": 2}
    assert written["rows"][0]["states"] == {"0": "succeeded", "1": "succeeded"}


def test_json_reads_back_as_the_same_comparison():
    comparison = make_comparison(make_row("frs"))
    assert Comparison.model_validate_json(render("json", comparison)) == comparison


def test_csv_keeps_every_digit():
    (line,) = lines_of_csv(make_row("frs"))
    assert float(line["ap_mean"]) == THIRD
    assert (line["n"], line["seeds"], line["gap_closed"]) == ("2", "0 1", "1.254")


def test_csv_leaves_what_is_missing_empty():
    (line,) = lines_of_csv(make_row("frs", delta=None))
    assert line["delta_ap"] == ""


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_csv_labels_are_never_formulas(label):
    (line,) = lines_of_csv(make_row(label))
    assert line["label"] == f"'{label}"


def test_csv_survives_commas_and_quotes_in_labels():
    label = 'frs, "strong"'
    assert lines_of_csv(make_row(label))[0]["label"] == label


def test_md_is_in_points_with_one_decimal():
    table = render("md", make_comparison(make_row("frs")))
    assert "| frs | 2 | 33.3 ± 1.2 |" in table
    assert "| **+2.1 ± 0.1** | n/a | 125 % |" in table


def test_md_has_no_difference_for_the_teacher_and_the_baseline():
    text = render("md", make_comparison(make_row("teacher", role="teacher"), make_row("none")))
    assert text.count("| – | – |") == 2


def test_md_defines_its_numbers_and_lists_the_warnings():
    text = render("md", make_comparison(make_row("frs"), warnings=("only one seed",)))
    for expected in ("Experiment abc", "the split test", "paired by seed", "- only one seed\n"):
        assert expected in text


def test_md_cells_hold_neither_borders_nor_markup():
    text = render("md", make_comparison(make_row("a|b <script> *c*")))
    assert r"| a\|b &lt;script&gt; \*c\* | 2 |" in text


def test_the_cost_is_exact_in_csv_and_short_in_md_and_no_column_where_none_was_measured():
    latency = Statistic(mean=12.345, sd=0.25, n=2)
    row = make_row("frs").model_copy(update={"params": 1234567, "macs": 2500000000, "latency_ms": latency})
    (line,) = lines_of_csv(row)
    assert (line["params"], line["macs"], line["latency_ms_mean"]) == ("1234567", "2500000000", "12.345")
    assert "| 1.23 | 2.50 | 12.3 ± 0.2 |" in render("md", make_comparison(row))
    assert "GMACs" not in render("md", make_comparison(make_row("frs")))


def test_expectations_are_shown_where_there_are_any():
    rows = (make_row("teacher", role="teacher"), make_row("frs").model_copy(update={"expected_ap": 0.397}))
    assert "expected" not in render("md", make_comparison(make_row("frs")))
    written = render("md", make_comparison(*rows))
    assert [line.rsplit("|", 2)[1].strip() for line in written.splitlines() if line.startswith("|")][:4] == [
        "expected AP", "---:", "–", "39.7",
    ]  # fmt: skip
    assert [line["expected_ap"] for line in lines_of_csv(*rows)] == ["", "0.397"]


def test_a_difference_is_bold_where_it_is_clear_and_its_interval_stands_beside_it():
    clear = make_row("frs").model_copy(update={"delta_ap_interval": (0.011, 0.025)})
    doubtful = make_row("pkd").model_copy(update={"delta_ap_interval": (-0.011, 0.025)})
    text = render("md", make_comparison(clear, doubtful))
    assert "| **+2.1 ± 0.1** | +1.1 to +2.5 | 125 % |" in text
    assert "| +2.1 ± 0.1 | −1.1 to +2.5 | 125 % |" in text


def test_tex_is_a_booktabs_table_whose_labels_are_text():
    text = render("tex", make_comparison(make_row("a_b & 100 % $x$ \\end{document}")))
    assert r"\toprule" in text
    assert r"a\_b \& 100 \% \$x\$ \textbackslash{}end\{document\} & 2 & 33.3 $\pm$ 1.2" in text
    assert text.count(r"\end{document}") == 1


@pytest.mark.parametrize("name", ["md", "tex", "html"])
def test_one_seed_a_doubtful_difference_and_a_search_are_told_wherever_people_read(name):
    tried = (Trial(values={"weight": 0.1}, ap=0.31), Trial(values={"weight": 1}, ap=None))
    single = make_row("frs").model_copy(
        update={
            "seeds": (0,), "delta_ap_sd": None, "delta_ap_n": 1,
            "metrics": {key: Statistic(mean=THIRD, sd=None, n=1) for key in COCO_METRICS},
            "search": Search(tried=tried, chosen=0, split="val"),
        }
    )  # fmt: skip
    text = re.sub(r"<[^>]+>", "", render(name, make_comparison(single)))
    assert "single seed" in text
    assert "Searched beforehand, on val" in text
    assert "0.1 31.0" in text
    if name == "tex":
        assert r"\textcolor[gray]{0.45}{+2.1}" in text


def test_a_warning_in_tex_stays_a_comment():
    text = render("tex", make_comparison(make_row("frs"), warnings=("one\n\\input{x}",)))
    assert "% warning: one \\input{x}\n" in text


LETTERS = "".join(char for char in map(chr, range(0xA0, 0x180)) if char.isprintable())


@pytest.mark.parametrize(
    "label", ["frs", "naïve ±", "\\\\{}%#$&_~^<>|", "评估 \U0001f600 \u202e", "a" * 200, LETTERS]
)
def test_tex_compiles(label, tmp_path):
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("no pdflatex: install texlive-latex-recommended")
    path = tmp_path / "table.tex"
    row = make_row(label).model_copy(update={"delta_ap_interval": (-0.011, 0.025)})
    path.write_text(render("tex", make_comparison(row, warnings=("only one seed",))))
    command = [program, "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", path.name]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:]


def test_html_needs_nothing_else_and_its_style_is_what_its_header_allows():
    report = reports.get("html")
    text = report.render(Dossier.of(make_comparison(make_row("frs"))))
    assert not re.search(r"(src|href|url\()", text)
    assert "<script" not in text
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in report.headers["Content-Security-Policy"]


@pytest.mark.parametrize("label", ["<script>alert(1)</script>", '"><img src=x>', "a" * 200, "评估 \u202e"])
def test_hostile_labels_are_text_in_html_and_its_figure(label):
    text = render("html", make_comparison(make_row(label), make_row("none")))
    page = elements(text)
    assert page.count("script") == 0
    assert page.count("img") == 0


def elements(text: str) -> list[str]:
    """The names of a page's elements, as a browser's parser sees them."""
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append(tag)  # type: ignore[method-assign]
    parser.feed(text)
    return found


@pytest.mark.parametrize("label", ["frs", '#import "x": *', "$x$ \\ [*a*] <b> @c", "评估 \u202e", "a" * 200])
def test_pdf_is_tagged_and_its_text_holds_the_verdict_and_the_labels(label):
    row = make_row(label).model_copy(update={"delta_ap_interval": (0.011, 0.025)})
    comparison = make_comparison(row, make_row("none"), warnings=("only one seed",))
    comparison = comparison.model_copy(update={"verdict": "frs +2.1 AP over none."})
    reader = PdfReader(io.BytesIO(render("pdf", comparison)))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert "frs +2.1 AP over none." in text
    assert "only one seed" in text
    assert "+1.1 to +2.5" in text
    if label.isascii() and len(label) < 100:
        assert label in text
    assert reader.root_object["/MarkInfo"]["/Marked"]


@pytest.mark.parametrize("name", ["md", "html", "pdf", "tex"])
def test_rows_from_outside_bear_their_marks_and_citations_are_text(name):
    external = make_row("theirs").model_copy(update={"source": "external"})
    cited = make_row("paper", delta=None).model_copy(update={"source": "cited", "note": "A & B <i>, 2021"})
    written = render(name, make_comparison(make_row("frs"), external, cited))
    text = written.decode("latin-1") if isinstance(written, bytes) else written
    if name == "pdf":
        text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(written)).pages)
    marks = {"tex": (r"$^\dagger$", r"$^\ddagger$")}.get(name, ("†", "‡"))
    notes = {"md": "A &amp; B &lt;i&gt;", "html": "A &amp; B &lt;i&gt;", "tex": r"A \& B \textless{}i"}
    for expected in (
        f"theirs{marks[0]}",
        f"paper{marks[1]}: {notes.get(name, 'A & B <i>')}",
        f"{marks[0]} comes",
    ):
        assert expected in text


def test_csv_says_where_a_row_is_from():
    cited = make_row("paper").model_copy(update={"source": "cited", "note": "=1+1"})
    lines = lines_of_csv(make_row("frs"), cited)
    assert [(line["label"], line["source"], line["note"]) for line in lines] == [
        ("frs", "run", ""),
        ("paper", "cited", "'=1+1"),
    ]


def test_zip_holds_every_format_and_a_manifest_that_is_true():
    content = render("zip", make_comparison(make_row("frs", delta=-0.0215), make_row("none")))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        deltas = list(csv.reader(io.StringIO(archive.read("figures/deltas.csv").decode())))
        assert [float(row[1]) for row in deltas[1:]] == [-2.1]
        names = set(archive.namelist())
        lines = archive.read("MANIFEST.sha256").decode().splitlines()
        listed = dict(reversed(line.split("  ", 1)) for line in lines)
        assert set(listed) == names - {"MANIFEST.sha256"}
        for name, digest in listed.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    others = {f"comparison.{reports.get(name).extension}" for name in reports.names()} - {"comparison.zip"}
    assert others <= names
    assert {"REPRODUCE.md", "CITATION.bib", "figures/deltas.svg", "figures/deltas.pdf"} <= names


def test_zip_keeps_metrics_to_the_last_digit_and_names_no_file_as_a_user_did():
    sheet = Sheet(
        job_id="j", label="../../etc/passwd", role="student", method="frs", seed=0, state="succeeded",
        reason=None, step=9, job_key="k" * 64, dataset_hash="d" * 64, evaluator="e", num_attempts=1,
        started_at=None,
        finished_at=None, reused_from=None, spec={"seed": 0}, environment={"torch": "2"}, hashes=(),
    )  # fmt: skip
    dossier = replace(
        Dossier.of(make_comparison(make_row("frs"))),
        sheets=(sheet,),
        metrics=lambda _: [Metric(name="=train/loss", steps=(1, 2), values=(THIRD, None))],
        log_tail=lambda _: "the end\n",
    )
    with zipfile.ZipFile(io.BytesIO(reports.get("zip").render(dossier))) as archive:
        folder = "runs/000-.._.._etc_passwd_seed_0"
        rows = list(csv.reader(io.StringIO(archive.read(f"{folder}/metrics.csv").decode())))
        assert rows == [
            ["name", "step", "value"],
            ["'=train/loss", "1", repr(THIRD)],
            ["'=train/loss", "2", ""],
        ]
        assert archive.read(f"{folder}/log-tail.txt") == b"the end\n"


def test_images_of_a_dossier_are_in_the_page_and_in_the_pdf():
    content = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 30, 30)).save(content, "JPEG")
    panels = (Panel(title="truth", jpeg=content.getvalue()),)
    example = Example(title="frs broke <b>cat</b>", caption="why", panels=panels)
    dossier = replace(Dossier.of(make_comparison(make_row("frs"))), examples=(example,))
    page = reports.get("html").render(dossier)
    assert 'src="data:image/jpeg;base64,' in page
    assert "frs broke &lt;b&gt;cat&lt;/b&gt;" in page
    reader = PdfReader(io.BytesIO(reports.get("pdf").render(dossier)))
    assert any(page.images for page in reader.pages)
