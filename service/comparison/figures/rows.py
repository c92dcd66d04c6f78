"""Which rows a figure shows, and in which style: the same in all of them."""

from service.comparison.figures.drawing import Style, style
from service.comparison.findings import Findings
from service.comparison.result import ComparisonRow

MOST = 8
"""A figure with more lines than these cannot be read."""


def styles(findings: Findings) -> dict[str, Style]:
    """By label: 0 is the teacher's; the rows that are drawn as lines have one each, the others share."""
    chosen = [row.label for row in chosen_rows(findings)[0]]
    ordered = sorted(findings.comparison.rows, key=lambda row: row.label not in chosen)
    students = [row.label for row in ordered if row.role == "student"]
    teachers = {row.label: style(0) for row in findings.comparison.rows if row.role == "teacher"}
    return teachers | {label: style(number) for number, label in enumerate(students, start=1)}


def chosen_rows(findings: Findings) -> tuple[list[ComparisonRow], str]:
    """The rows to draw as lines, and a sentence where that is not all of them.

    Teacher and baseline always; of the others those with the largest AP, in the order of the comparison.
    """
    rows = list(findings.rows)
    if len(rows) <= MOST:
        return rows, ""
    always = [row for row in rows if row.role == "teacher" or row.label == findings.comparison.baseline]
    others = [row for row in rows if row not in always]
    others.sort(key=lambda row: -(row.metrics["ap"].mean or 0))
    kept = {row.label for row in [*always, *others][:MOST]}
    sentence = f" Of {len(rows)} rows the teacher, the baseline and the best are drawn; the table has all."
    return [row for row in rows if row.label in kept], sentence
