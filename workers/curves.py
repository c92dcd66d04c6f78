"""Leaves a job's curves as an event file for TensorBoard, made of what the ledger has recorded.

So there are no gaps, and no point is there twice, however many attempts a job took and on whatever hosts.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from time import time
from typing import Any

import structlog
from sqlalchemy.orm import Session, sessionmaker

from frs_core.event_file import FILE_NAME, EventFile, Hparam, Point
from frs_core.events import ArtifactEvent
from frs_core.files import file_sha256
from frs_core.spec import JobSpec
from service.artifacts import ArtifactError, ArtifactStore, object_key
from service.db import ledger
from service.db.metrics import Series, read_series, series_names

_UNTOLD = ("dataset", "name")
log = structlog.get_logger(__name__)


def keep_curves(
    sessions: sessionmaker[Session], store: ArtifactStore, lease: ledger.Lease, spec: JobSpec, folder: Path
) -> None:
    """Write, store and record the file; nothing where nothing was recorded. Raises StaleLeaseError.

    Where the store fails that is logged, and no reason to fail the job.
    """
    path = folder / FILE_NAME
    if not _write(sessions, lease.job_id, spec, path):
        return
    sha256 = file_sha256(path)
    key = object_key(lease.job_id, lease.token, sha256, FILE_NAME)
    try:
        uri = store.put(path, key, sha256)
    except (ArtifactError, OSError) as error:
        log.warning("curves_not_stored", error=str(error))
        return
    event = ArtifactEvent(
        time=time(),
        name=FILE_NAME,
        path=FILE_NAME,
        media_type="application/octet-stream",
        sha256=sha256,
        size_bytes=path.stat().st_size,
    )
    with sessions.begin() as session:
        ledger.record_artifact(session, lease, event, uri=uri)


def hparams_of(spec: JobSpec) -> dict[str, Hparam]:
    """What the run was made with, with dots in the names: method, seed, schedule, options."""
    plain = spec.model_dump(mode="json", exclude=set(_UNTOLD))
    return dict(_flat(plain, ""))


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Hparam]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, bool | int | float | str):
            yield f"{prefix}{key}", value
        elif value is not None:
            yield f"{prefix}{key}", str(value)


def _write(sessions: sessionmaker[Session], job_id: str, spec: JobSpec, path: Path) -> bool:
    """One series at a time: a long run has more points than one would hold."""
    with sessions.begin() as session, path.open("wb") as file:
        names = series_names(session, job_id)
        if not names:
            return False
        first = read_series(session, job_id, names=names[:1])[0]
        events = EventFile(file, begun=first.times[0] if first.times else 0.0)
        events.hparams(hparams_of(spec))
        for name in names:
            for series in read_series(session, job_id, names=[name]):
                events.scalars(name, _points(series))
    return True


def _points(series: Series) -> Iterator[Point]:
    for step, moment, value in zip(series.steps, series.times, series.values, strict=True):
        yield step, moment, float(series.nonfinite[step]) if value is None else value
