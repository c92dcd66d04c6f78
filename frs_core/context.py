"""What a run talks to: it reports, saves and asks whether to stop, and knows nothing else of the world."""

import hashlib
import json
import math
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from frs_core.events import (
    EVENTS_FILE,
    ArtifactEvent,
    CheckpointEvent,
    CheckpointKind,
    EnvironmentEvent,
    EvaluationEvent,
    Event,
    MetricEvent,
    ProgressEvent,
    ResultEvent,
    WarningEvent,
)

Phase = Literal["starting", "training", "evaluating", "exporting"]


class RunContext(ABC):
    """The whole of a run's surroundings. `resume_from` is a `state` checkpoint to continue from, if any."""

    def __init__(self, workdir: Path, *, resume_from: Path | None = None) -> None:
        self.workdir = workdir
        self.resume_from = resume_from

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

    def evaluation(self, **fields: Any) -> None:
        """Record the numbers of one split; fields as in `EvaluationEvent`."""
        self.emit(EvaluationEvent(time=time.time(), **fields))

    def result(self, outcome: Literal["succeeded", "failed", "stopped"], **fields: Any) -> None:
        """The last line; fields as in `ResultEvent`."""
        self.emit(ResultEvent(time=time.time(), outcome=outcome, **fields))


class LocalContext(RunContext):
    """Writes `events.jsonl` in `workdir`, which the supervisor tails when this is a worker's child."""

    def __init__(self, workdir: Path, *, resume_from: Path | None = None) -> None:
        super().__init__(workdir, resume_from=resume_from)
        self._stop = threading.Event()

    def catch_signals(self) -> None:
        """Let TERM and INT ask for a stop instead of ending the process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())

    def request_stop(self) -> None:
        """Ask the run to stop at its next step."""
        self._stop.set()

    def should_stop(self) -> bool:
        """Whether somebody asked."""
        return self._stop.is_set()

    def emit(self, event: Event) -> None:
        """Append one line; it is whole or absent, and has left this process when the call returns."""
        self.workdir.mkdir(parents=True, exist_ok=True)
        line = event.model_dump_json() + "\n"
        descriptor = os.open(self.workdir / EVENTS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def _nonfinite_kind(value: float) -> Literal["nan", "inf", "-inf"] | None:
    if math.isfinite(value):
        return None
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_json(context: RunContext, name: str, value: Any) -> None:
    """Write a value as JSON under its name in the work folder and publish it as an artifact."""
    save_text(context, name, json.dumps(value), "application/json")


def save_text(context: RunContext, name: str, text: str, media_type: str) -> None:
    """Write a text under its name in the work folder and publish it as an artifact."""
    path = context.workdir / name
    temporary = path.with_suffix(".partial")
    temporary.write_text(text)
    context.artifact(name, publish(temporary, path), media_type)


def publish(temporary: Path, final: Path) -> Path:
    """Give a finished file its final name: synced, then renamed, so that it is whole or absent."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return final
