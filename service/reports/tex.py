r"""A table to paste into a paper: LaTeX with booktabs, nothing else needed.

The file compiles as it is; between the comment lines stands the `table` to copy.
"""

import re

from service.comparison import Comparison
from service.comparison.table import Cell, definitions, table_of

MEDIA_TYPE = "application/x-tex"
EXTENSION = "tex"

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$", "−": r"$-$", "–": r"--", "Δ": r"$\Delta$",
    "\u00a0": "~",
}  # fmt: skip
_HEAD = r"""\documentclass{article}
\usepackage[a4paper,landscape,margin=20mm]{geometry}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{booktabs}
\usepackage{graphicx}
\begin{document}
"""


def render(comparison: Comparison) -> str:
    """A whole document of one table: the verdict is its caption, and below it stands how to read it."""
    table = table_of(comparison)
    header = " & ".join(["", *map(_escape, table.columns)])
    rows = [
        " & ".join([_escape(row.label), *map(_cell, row.cells)])
        + r" \\"
        + (r" \midrule" if row.role == "teacher" else "")
        for row in table.rows
    ]
    warnings = "".join(f"% warning: {_in_comment(warning)}\n" for warning in comparison.warnings)
    title = f"{comparison.name}." if comparison.name else ""
    caption = f"{title} {comparison.verdict}".strip() or "Comparison"
    notes = " ".join(definitions(comparison))
    return (
        f"% experiment {comparison.experiment}, split {comparison.split}\n"
        + warnings
        + _HEAD
        + "% ---- copy from here\n"
        + "\\begin{table}[!ht]\n\\centering\n"
        + f"\\caption{{{_escape(caption)}}}\n\\medskip\n"
        + "\\resizebox{\\linewidth}{!}{%\n"
        + f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}\n\\toprule\n{header} \\\\\n\\midrule\n"
        + "".join(f"{row}\n" for row in rows)
        + "\\bottomrule\n\\end{tabular}}\n\n\\medskip\n"
        + f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize {_escape(notes)}\\end{{minipage}}\n"
        + "\\end{table}\n"
        + "% ---- to here\n\\end{document}\n"
    )


def _cell(cell: Cell) -> str:
    text = _escape(cell.text)
    return rf"\textbf{{{text}}}" if cell.strong else text


def _escape(text: str) -> str:
    """Text that TeX sets as it is; what its fonts lack becomes a question mark."""
    plain = re.sub(r"\s+", " ", text)
    return "".join(_SPECIAL.get(char, char if _is_set(char) else "?") for char in plain)


def _is_set(char: str) -> bool:
    """Whether T1 fonts and utf8 input set the character: Latin letters with their accents."""
    return char.isprintable() and ord(char) < 0x180


def _in_comment(text: str) -> str:
    """On one line, for a line break would end the comment."""
    return re.sub(r"[^\x20-\x7e]+", " ", text)
