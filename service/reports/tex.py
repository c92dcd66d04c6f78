r"""A table to paste into a paper: LaTeX with booktabs. Figures are taken from beside it, where they are.

The file compiles as it is; between the comment lines stands the `table` to copy.
"""

import re
from collections.abc import Iterable, Sequence

from service.comparison.differences import short
from service.comparison.figures import Figure
from service.comparison.table import Cell, definitions, table_of
from service.reports.material import appendix
from service.reports.material.dossier import Dossier

MEDIA_TYPE = "application/x-tex"
EXTENSION = "tex"

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$", "−": r"$-$", "–": r"--", "Δ": r"$\Delta$",
    "†": r"$^\dagger$", "‡": r"$^\ddagger$",
    "\u00a0": "~",
}  # fmt: skip
_UNDECLARED = frozenset("ĦħĸĿŀŉŦŧſ")  # in no encoding's list of letters
_HEAD = r"""\documentclass{article}
\usepackage[a4paper,landscape,margin=20mm]{geometry}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{color}
% A table as it is, or as narrow as the page where it is wider.
\newsavebox{\tablebox}
\newcommand{\fitted}[1]{\sbox{\tablebox}{#1}%
  \ifdim\wd\tablebox>\linewidth\resizebox{\linewidth}{!}{\usebox{\tablebox}}\else\usebox{\tablebox}\fi}
\setlength{\parindent}{0pt}
\begin{document}
"""


def render(dossier: Dossier) -> str:
    """A whole document: the table to copy, the figures where their files lie beside it, then the rest."""
    comparison = dossier.comparison
    warnings = "".join(f"% warning: {_in_comment(warning)}\n" for warning in comparison.warnings)
    return (
        f"% experiment {comparison.experiment}, split {comparison.split}\n"
        + warnings
        + _HEAD
        + "% ---- copy from here; it needs booktabs, graphicx, color and \\fitted\n"
        + _main_table(dossier)
        + "% ---- to here\n"
        + _section("Gap to the teacher", _paragraphs(appendix.gap(dossier)))
        + "".join(map(_figure, dossier.figures))
        + _section("Images", _images(dossier))
        + _differences(dossier)
        + _section("Searched beforehand, on val", _paragraphs(appendix.searches(dossier)))
        + _section("Before you believe it", _paragraphs(comparison.warnings))
        + _appendix(dossier)
        + "\\end{document}\n"
    )


def _main_table(dossier: Dossier) -> str:
    """The verdict is its caption, and below it stands how to read it."""
    comparison, table = dossier.comparison, table_of(dossier.comparison)
    rows = [
        " & ".join([_escape(row.title), *map(_cell, row.cells)])
        + r" \\"
        + (r" \midrule" if row.role == "teacher" else "")
        for row in table.rows
    ]
    title = f"{comparison.name}." if comparison.name else ""
    caption = f"{title} {comparison.verdict}".strip() or "Comparison"
    return (
        "\\begin{table}[!ht]\n\\centering\n"
        + f"\\caption{{{_escape(caption)}}}\n\\medskip\n"
        + _tabular(["", *table.columns], rows)
        + "\n\\medskip\n"
        + f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize {_escape(' '.join(definitions(comparison)))}"
        + "\\end{minipage}\n\\end{table}\n"
    )


def _figure(figure: Figure) -> str:
    """The drawing, which the zip holds as PDF; without that file nothing."""
    file = f"figures/{figure.name}.pdf"
    return (
        f"\\IfFileExists{{{file}}}{{\\begin{{figure}}[!ht]\\centering\n"
        f"\\includegraphics[width=0.75\\linewidth]{{{file}}}\n"
        f"\\caption{{{_escape(figure.title)}. {_escape(figure.caption)}}}\\end{{figure}}}}{{}}\n"
    )


def _images(dossier: Dossier) -> str:
    told = _paragraphs(f"{each.title}. {each.caption}" for each in dossier.examples)
    return told or _escape(dossier.no_examples)


def _differences(dossier: Dossier) -> str:
    labels, found = dossier.compared_specs
    rows = [" & ".join(map(_escape, [each.path, *map(short, each.values)])) + r" \\" for each in found]
    return _section("Where the rows' settings differ", _tabular(["setting", *labels], rows) if rows else "")


def _appendix(dossier: Dossier) -> str:
    if not dossier.sheets:
        return ""
    facts = _paragraphs(f"{name}: {value}" for name, value in appendix.provenance(dossier))
    rows = [" & ".join(map(_escape, row)) + r" \\" for row in appendix.run_rows(dossier)]
    return _section("What this rests on", f"{facts}\n\n{_tabular(appendix.RUN_COLUMNS, rows)}")


def _tabular(columns: Sequence[str], rows: Iterable[str]) -> str:
    header = " & ".join(map(_escape, columns))
    return (
        "\\fitted{%\n"
        f"\\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}\n\\toprule\n{header} \\\\\n\\midrule\n"
        + "".join(f"{row}\n" for row in rows)
        + "\\bottomrule\n\\end{tabular}}\n"
    )


def _section(title: str, content: str) -> str:
    return f"\\subsection*{{{_escape(title)}}}\n{content}\n" if content else ""


def _paragraphs(sentences: Iterable[str]) -> str:
    return "\n\n".join(map(_escape, sentences))


def _cell(cell: Cell) -> str:
    text = _escape(cell.text)
    if cell.strong:
        return rf"\textbf{{{text}}}"
    return rf"\textcolor[gray]{{0.45}}{{{text}}}" if cell.faint else text


def _escape(text: str) -> str:
    """Text that TeX sets as it is; what its fonts lack becomes a question mark."""
    plain = re.sub(r"\s+", " ", text)
    return "".join(_SPECIAL.get(char, char if _is_set(char) else "?") for char in plain)


def _is_set(char: str) -> bool:
    """Whether T1 fonts and utf8 input set the character: Latin letters with their accents, but for a few."""
    return char.isprintable() and ord(char) < 0x180 and char not in _UNDECLARED


def _in_comment(text: str) -> str:
    """On one line, for a line break would end the comment."""
    return re.sub(r"[^\x20-\x7e]+", " ", text)
