"""The parts of a report that are words and small tables, the same in every format that people read."""

from collections.abc import Sequence

from service.comparison.result import ComparisonRow
from service.comparison.table import percent, points
from service.reports.material.dossier import Dossier, Sheet

LONG_FIGURES = frozenset({"curves", "precision-recall"})
"""Whose numbers fill pages: Markdown, which cannot fold them, leaves them to the other formats."""
RUN_COLUMNS = ("run", "state", "steps", "attempts", "key", "data", "weights")
_HARDWARE = ("device", "platform", "threads", "processes")
_HIDDEN = 12
"""Of a hash so many digits are shown; the JSON and the zip have all."""


def gap(dossier: Dossier) -> tuple[str, ...]:
    """How much of the teacher's lead each row closes, in a sentence each."""
    rows = dossier.comparison.rows
    teacher = next((row for row in rows if row.role == "teacher"), None)
    baseline = next((row for row in rows if row.label == dossier.comparison.baseline), None)
    if teacher is None or baseline is None:
        return ()
    ends = teacher.metrics["ap"].mean, baseline.metrics["ap"].mean
    if None in ends:
        return ()
    lead = 100 * ((ends[0] or 0) - (ends[1] or 0))
    found = [
        f"The teacher has {points(ends[0])} AP, {baseline.label} {points(ends[1])}: a gap of {lead:.1f}."
    ]
    found += [
        f"{row.label} closes {percent(row.gap_closed)} of it."
        for row in rows
        if row.gap_closed is not None and row is not baseline
    ]
    return tuple(found)


def searches(dossier: Dossier) -> tuple[str, ...]:
    """What each row was searched for with, in a sentence each."""
    return tuple(map(_search, dossier.comparison.searched))


def _search(row: ComparisonRow) -> str:
    assert row.search is not None
    tried = [
        f"{trial.words} {'no AP' if trial.ap is None else points(trial.ap)}"
        + (" (chosen)" if number == row.search.chosen else "")
        for number, trial in enumerate(row.search.tried)
    ]
    return f"{row.label}: {'; '.join(tried)}"


def provenance(dossier: Dossier) -> tuple[tuple[str, str], ...]:
    """What the whole rests on: data, evaluator, software, hardware. One that differs is told for each run."""
    found: dict[str, dict[str, list[str]]] = {}
    for sheet in dossier.sheets:
        told = {"data set (SHA-256)": sheet.dataset_hash, "evaluator": sheet.evaluator, **sheet.environment}
        for name, value in told.items():
            if value is not None:
                found.setdefault(name, {}).setdefault(str(value), []).append(sheet.name)
    facts = [("FRS Distill of this report", dossier.version)] if dossier.version else []
    for name in sorted(found, key=lambda name: name in _HARDWARE):
        values = found[name]
        [one, *others] = values
        if not others:
            facts.append((name, one))
        else:
            facts.append((name, "; ".join(f"{value} ({_some(runs)})" for value, runs in values.items())))
    return tuple(facts)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def run_rows(dossier: Dossier) -> tuple[tuple[str, ...], ...]:
    """A line for each run, in the order of RUN_COLUMNS."""
    return tuple(_run_row(sheet) for sheet in dossier.sheets)


def _run_row(sheet: Sheet) -> tuple[str, ...]:
    hashes = dict(sheet.hashes)
    state = sheet.state if sheet.reused_from is None else f"{sheet.state}, reused"
    return (
        sheet.name,
        state,
        str(sheet.step),
        str(sheet.num_attempts),
        sheet.job_key[:_HIDDEN],
        (sheet.dataset_hash or "–")[:_HIDDEN],
        hashes.get("weights", "–")[:_HIDDEN],
    )
