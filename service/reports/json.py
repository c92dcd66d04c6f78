"""The comparison and its runs as they are: fractions, unrounded."""

import json
from typing import Any

from service.comparison.differences import ABSENT
from service.comparison.records import RunRecord
from service.reports.material.dossier import Dossier, Sheet

MEDIA_TYPE = "application/json"
EXTENSION = "json"
SCHEMA_VERSION = 2
"""Rises when a key changes its meaning or goes; 1 had no version and no runs."""


def render(dossier: Dossier) -> str:
    """Indented JSON: the keys of a comparison, and `runs`, `differences`; what is missing is null."""
    labels, found = dossier.compared_specs
    runs = {run.job_id: run for run in dossier.findings.runs}
    document = {
        "schema_version": SCHEMA_VERSION,
        **dossier.comparison.model_dump(mode="json"),
        "differences": [
            {
                "setting": each.path,
                "values": dict(zip(labels, map(_value, each.values), strict=True)),
            }
            for each in found
        ],
        "runs": [_run(sheet, runs.get(sheet.job_id)) for sheet in dossier.sheets],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _value(text: str) -> Any:
    return None if text == ABSENT else json.loads(text)


def _run(sheet: Sheet, run: RunRecord | None) -> dict[str, Any]:
    return {
        "job": sheet.job_id,
        "label": sheet.label,
        "role": sheet.role,
        "method": sheet.method,
        "seed": sheet.seed,
        "state": sheet.state,
        "reason": sheet.reason,
        "steps": sheet.step,
        "attempts": sheet.num_attempts,
        "reused_from": sheet.reused_from,
        "job_key": sheet.job_key,
        "dataset_hash": sheet.dataset_hash,
        "evaluator": sheet.evaluator,
        "metrics": None if run is None or run.metrics is None else dict(run.metrics),
        "per_class_ap": None if run is None or run.per_class is None else dict(run.per_class),
        "val_ap": [] if run is None else [{"epoch": epoch, "ap": ap} for epoch, ap in run.history],
        "environment": dict(sheet.environment),
        "sha256": dict(sheet.hashes),
    }
