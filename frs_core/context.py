"""What a run talks to: it reports, saves and asks whether to stop, and knows nothing else of the world."""

import errno
import math
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from frs_core.cost import Cost
from frs_core.datasets.records import DatasetReport
from frs_core.datasets.statistics import DatasetStatistics
from frs_core.events import (
    EVENTS_FILE,
    ArtifactEvent,
    CheckpointEvent,
    CheckpointKind,
    CostEvent,
    DatasetEvent,
    EnvironmentEvent,
    EvaluationEvent,
    Event,
    MetricEvent,
    Phase,
    ProgressEvent,
    ResultEvent,
    WarningEvent,
)
from frs_core.files import file_sha256
from frs_core.processes import is_one_of_several
from frs_core.weights.sources import WeightsSources


class RunContext(ABC):
    """The whole of a run's surroundings.

    `resume_from` is a `state` checkpoint to continue from, if any; `sources` is where weights come from that
    are named by an address or as the zoo's, by default kept in the work folder; `cache_dir` is where
    teachers' outputs are kept, by default there too.
    """

    leads = True
    """Whether this is the process that evaluates, saves and reports, of those that train together."""

    def __init__(
        self,
        workdir: Path,
        *,
        resume_from: Path | None = None,
        sources: WeightsSources | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        self.workdir = workdir
        self.resume_from = resume_from
        self.sources = sources or WeightsSources(mirror=workdir / "downloads")
        self.cache_dir = cache_dir or workdir / "teacher_cache"

    @abstractmethod
    def emit(self, event: Event) -> None:
        """Record an event."""

    @abstractmethod
    def should_stop(self) -> bool:
        """Whether the run must save its state and raise `Stopped`."""

    def report(self, step: int, values: Mapping[str, float]) -> None:
        """Record metric values of a step; one that is not finite is stored as None with its kind."""
        kinds = {name: _nonfinite_kind(value) for name, value in values.items()}
        self.emit(
            MetricEvent(
                time=time.time(),
                step=step,
                values={name: None if kinds[name] else float(value) for name, value in values.items()},
                nonfinite={name: kind for name, kind in kinds.items() if kind is not None},
            )
        )

    def progress(
        self,
        phase: Phase,
        *,
        step: int = 0,
        total_steps: int = 0,
        epoch: int = 0,
        total_epochs: int = 0,
        eta_seconds: float | None = None,
    ) -> None:
        """Say where the run is."""
        self.emit(
            ProgressEvent(
                time=time.time(),
                phase=phase,
                step=step,
                total_steps=total_steps,
                epoch=epoch,
                total_epochs=total_epochs,
                eta_seconds=eta_seconds,
            )
        )

    def checkpoint(
        self,
        kind: CheckpointKind,
        path: Path,
        *,
        step: int,
        epoch: int,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Publish a checkpoint written under `workdir`; it is complete and will not change."""
        self.emit(
            CheckpointEvent(
                time=time.time(),
                kind=kind,
                path=str(path.relative_to(self.workdir)),
                step=step,
                epoch=epoch,
                sha256=file_sha256(path),
                size_bytes=path.stat().st_size,
                metadata=dict(metadata or {}),
            )
        )

    def discard(self, path: Path) -> None:
        """A published checkpoint is superseded: remove its file."""
        path.unlink(missing_ok=True)

    def artifact(self, name: str, path: Path, media_type: str) -> None:
        """Publish another file."""
        self.emit(
            ArtifactEvent(
                time=time.time(),
                name=name,
                path=str(path.relative_to(self.workdir)),
                media_type=media_type,
                sha256=file_sha256(path),
                size_bytes=path.stat().st_size,
            )
        )

    def warn(
        self, code: str, message: str, *, count: int = 1, details: Mapping[str, Any] | None = None
    ) -> None:
        """Tell the user something to live with."""
        self.emit(
            WarningEvent(
                time=time.time(), code=code, message=message, count=count, details=dict(details or {})
            )
        )

    def environment(self, values: Mapping[str, Any]) -> None:
        """Record what the run ran on."""
        self.emit(EnvironmentEvent(time=time.time(), values=dict(values)))

    def dataset(self, report: DatasetReport, statistics: DatasetStatistics | None = None) -> None:
        """Record what the data set holds."""
        self.emit(DatasetEvent(time=time.time(), report=report, statistics=statistics))

    def evaluation(self, **fields: Any) -> None:
        """Record the numbers of one split; fields as in `EvaluationEvent`."""
        self.emit(EvaluationEvent(time=time.time(), **fields))

    def cost(self, cost: Cost) -> None:
        """Record what the detector costs."""
        self.emit(CostEvent(time=time.time(), cost=cost))

    def result(self, outcome: Literal["succeeded", "failed", "stopped"], **fields: Any) -> None:
        """The last line; fields as in `ResultEvent`."""
        self.emit(ResultEvent(time=time.time(), outcome=outcome, **fields))


class LocalContext(RunContext):
    """Writes `events.jsonl` in `workdir`, which the supervisor tails when this is a worker's child.

    `supervised` says that somebody else carries published files away, and removes them.
    """

    def __init__(
        self,
        workdir: Path,
        *,
        resume_from: Path | None = None,
        sources: WeightsSources | None = None,
        cache_dir: Path | None = None,
        supervised: bool = False,
    ) -> None:
        super().__init__(workdir, resume_from=resume_from, sources=sources, cache_dir=cache_dir)
        self._supervised = supervised
        self._stop = threading.Event()

    def catch_signals(self) -> None:
        """Let TERM and INT ask for a stop instead of ending the process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())

    def request_stop(self) -> None:
        """Ask the run to stop at its next step."""
        self._stop.set()

    def discard(self, path: Path) -> None:
        """Remove the file, unless a supervisor may still have to store it."""
        if not self._supervised:
            super().discard(path)

    def should_stop(self) -> bool:
        """Whether somebody asked."""
        return self._stop.is_set()

    def is_stopped_within(self, seconds: float) -> bool:
        """Wait for somebody to ask; gives whether they did."""
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and time.monotonic() < deadline:
            time.sleep(0.05)  # in `wait` a signal's handler could find the event's lock taken
        return self._stop.is_set()

    def emit(self, event: Event) -> None:
        """Append one line; it is whole or absent, and has left this process when the call returns."""
        self.workdir.mkdir(parents=True, exist_ok=True)
        _append(self.workdir / EVENTS_FILE, event)


class FollowerContext(LocalContext):
    """Of a process that trains along with the first, in a folder of its own within the run's.

    What it reports the first reports too. Only that it failed is told: the first may not know why.
    """

    leads = False

    def __init__(self, workdir: Path, rank: int, **given: Any) -> None:
        super().__init__(workdir, **given)
        self._events = workdir / EVENTS_FILE
        self.workdir = workdir / f"process_{rank}"
        self.workdir.mkdir(parents=True, exist_ok=True)

    def emit(self, event: Event) -> None:
        """Record a failure, and nothing else."""
        if isinstance(event, ResultEvent) and event.outcome == "failed":
            _append(self._events, event)


def local_context(workdir: Path, **given: Any) -> LocalContext:
    """The `LocalContext` of this process, which torchrun may have started as one of several."""
    rank = int(os.environ["RANK"]) if is_one_of_several() else 0
    return FollowerContext(workdir, rank, **given) if rank else LocalContext(workdir, **given)


def _append(path: Path, event: Event) -> None:
    line = event.model_dump_json() + "\n"
    content = line.encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        written = os.write(descriptor, content)
        if written < len(content):  # the disk is full: no later line may end this one
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def _nonfinite_kind(value: float) -> Literal["nan", "inf", "-inf"] | None:
    if math.isfinite(value):
        return None
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"
