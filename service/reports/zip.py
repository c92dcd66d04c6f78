"""All of it in one archive: every other format, the figures as files, and what each run was and did."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from service import reports
from service.comparison.table import MINUS
from service.reports.material.cells import guarded
from service.reports.material.citation import CITATION
from service.reports.material.dossier import Dossier, Sheet
from service.reports.material.reproduce import reproduce
from service.reports.material.vector import as_pdf

MEDIA_TYPE = "application/zip"
EXTENSION = "zip"
HAS_IMAGES = True
_UNSAFE = re.compile(r"[^A-Za-z0-9._+=-]+")
_NO_TIME = (1980, 1, 1, 0, 0, 0)
"""The same findings give the same bytes; a zip knows no earlier time."""


def render(dossier: Dossier) -> bytes:
    """The archive; `MANIFEST.sha256` names every other file in the form that `sha256sum -c` takes."""
    archive, hashes = io.BytesIO(), {}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, content in _files(dossier):
            raw = content.encode() if isinstance(content, str) else content
            hashes[name] = hashlib.sha256(raw).hexdigest()
            _write(file, name, raw)
        manifest = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
        _write(file, "MANIFEST.sha256", manifest.encode())
    return archive.getvalue()


def _write(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    file.writestr(entry, content)


def _files(dossier: Dossier) -> Iterator[tuple[str, str | bytes]]:
    yield "README.md", _readme(dossier)
    yield "REPRODUCE.md", reproduce(dossier)
    yield "CITATION.bib", CITATION
    if dossier.spec:
        yield "experiment.yaml", _yaml(dossier.spec)
    others = [name for name in reports.names() if name != EXTENSION]
    for number, name in enumerate(others):
        dossier.tell(0.1 + 0.4 * number / len(others), f"writing the {name} report")
        report = reports.get(name)
        yield f"comparison.{report.extension}", report.render(dossier)
    for number, figure in enumerate(dossier.figures):
        dossier.tell(0.5 + 0.1 * number / len(dossier.figures), f"drawing {figure.title}")
        yield f"figures/{figure.name}.svg", figure.svg
        yield f"figures/{figure.name}.pdf", as_pdf(figure.svg)
        yield f"figures/{figure.name}.csv", _csv([figure.columns, *map(_numbers, figure.rows)])
    for number, example in enumerate(dossier.examples):
        for panel in example.panels:
            yield f"images/{number}-{_safe(example.title)}/{_safe(panel.title)}.jpg", panel.jpeg
    for number, sheet in enumerate(dossier.sheets):
        dossier.tell(0.6 + 0.4 * number / len(dossier.sheets), f"packing {sheet.name}")
        yield from _run(dossier, sheet, f"runs/{number:03d}-{_safe(sheet.name)}")


def _run(dossier: Dossier, sheet: Sheet, folder: str) -> Iterator[tuple[str, str | bytes]]:
    yield f"{folder}/spec.yaml", _yaml(sheet.spec)
    yield f"{folder}/environment.json", json.dumps(sheet.environment, indent=2, default=str) + "\n"
    rows = (
        (series.name, step, "" if value is None else repr(value))
        for series in dossier.metrics(sheet.job_id)
        for step, value in zip(series.steps, series.values, strict=True)
    )
    yield f"{folder}/metrics.csv", _csv([("name", "step", "value"), *rows])
    yield f"{folder}/log-tail.txt", dossier.log_tail(sheet.job_id)


def _readme(dossier: Dossier) -> str:
    comparison = dossier.comparison
    return (
        f"# {comparison.name or 'Comparison'}\n\n{comparison.verdict or 'No difference was found yet.'}\n\n"
        "- `comparison.html` opens in any browser; `comparison.pdf` prints; `comparison.tex` compiles here "
        "and takes its figures from `figures/`.\n"
        "- `comparison.csv` and `comparison.json` hold fractions in full precision; tables for people are in "
        "points.\n"
        "- `runs/` has for each run its resolved specification, its environment, its metrics and the end of "
        "its log.\n"
        "- `REPRODUCE.md` says how to run it again; `MANIFEST.sha256` is checked by `sha256sum -c`.\n"
    )


def _numbers(row: Sequence[str]) -> list[str]:
    """Cells as a program reads them: people's minus is none of its signs."""
    return [re.sub(rf"{MINUS}(?=\d)", "-", cell) for cell in row]


def _csv(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[guarded(cell) for cell in row] for row in rows])
    return text.getvalue()


def _yaml(spec: Any) -> str:
    plain = json.loads(json.dumps(spec, default=str))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:60]
