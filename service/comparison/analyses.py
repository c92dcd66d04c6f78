"""Reads what runs have stored beside their numbers: match arrays and counts of errors.

A file never changes under its hash, so what was made of it is kept in memory.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from frs_core.match_arrays import AREAS, IOU_THRESHOLDS
from service.artifacts import ArtifactError, ArtifactStore
from service.comparison.average_precision import mean_precision
from service.comparison.findings import ERRORS, Analysis
from service.comparison.match_files import BROKEN, UnreadableFileError, read_matches
from service.comparison.records import RunRecord
from service.db.models import Artifact

SHAPE = (len(AREAS), len(IOU_THRESHOLDS))
KEPT = 4096
"""So many analyses are kept, of about two kilobytes each."""

_kept: OrderedDict[str, Analysis] = OrderedDict()
_lock = threading.Lock()
_log = structlog.get_logger(__name__)


def analyses_of(session: Session, store: ArtifactStore, runs: Sequence[RunRecord]) -> dict[str, Analysis]:
    """By job id, of the runs that have a result; what is not stored, or cannot be read, is None."""
    found: dict[str, Analysis] = {}
    for split in {run.split for run in runs}:
        ids = [run.job_id for run in runs if run.split == split and run.metrics is not None]
        names = {f"matches_{split}.npz": "precision", f"errors_{split}.json": "errors"}
        statement = select(Artifact).where(Artifact.job_id.in_(ids), Artifact.name.in_(names))
        for artifact in session.scalars(statement):
            part = _read(store, artifact)
            have = found.get(artifact.job_id, Analysis())
            found[artifact.job_id] = Analysis(
                precision=have.precision if part.precision is None else part.precision,
                errors=have.errors if part.errors is None else part.errors,
            )
    return found


def _read(store: ArtifactStore, artifact: Artifact) -> Analysis:
    with _lock:
        if artifact.sha256 in _kept:
            _kept.move_to_end(artifact.sha256)
            return _kept[artifact.sha256]
    try:
        with store.open(artifact.uri) as file:
            analysis = _parse(artifact.name, file.read())
    except (ArtifactError, OSError, *BROKEN) as error:
        _log.warning("analysis.unreadable", artifact=artifact.id, error=str(error))
        return Analysis()
    with _lock:
        _kept[artifact.sha256] = analysis
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return analysis


def _parse(name: str, content: bytes) -> Analysis:
    if name.endswith(".npz"):
        matches = read_matches(content)
        if matches.detection_matched.shape[1:] != SHAPE:
            raise UnreadableFileError("holds match arrays of other sizes and thresholds")
        return Analysis(precision=mean_precision(matches))
    gains = json.loads(content)["delta_ap"]
    return Analysis(errors={each: float(gains[each]) for each in ERRORS})
