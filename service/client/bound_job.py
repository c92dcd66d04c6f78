"""What can be done with a job: `job.wait()`, `job.metrics("val/ap")`, `job.download("export", to=folder)`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from service.client.base import Bound
from service.client.files import FileNameError, chosen, named_files
from service.client.metrics import MetricPoint, frame_of
from service.client.watching import POLL_SECONDS, watch

if TYPE_CHECKING:
    import pandas

    from service.client.job_files import Artifact, Checkpoint
    from service.client.jobs import Job


class BoundJob(Bound):
    """Verbs that change the job bring the object itself up to date, and give it back."""

    if TYPE_CHECKING:
        id: str

    def refresh(self) -> Self:
        """Asks how it stands now."""
        return self._now(self.client.job(self.id))

    def wait(self, timeout: float | None = None, *, poll_seconds: float = POLL_SECONDS) -> Self:
        """Waits until it has ended, however. Raises WaitTimeoutError after `timeout` seconds."""
        for job, _note in watch(
            lambda: self.client.job(self.id), timeout_seconds=timeout, poll_seconds=poll_seconds
        ):
            self._now(job)
        return self

    def cancel(self) -> Self:
        """Asks for its end; a running job saves its state first."""
        return self._now(self.client.control_job(self.id, "cancel"))

    def pause(self) -> Self:
        """Asks for its rest; a running job saves its state first."""
        return self._now(self.client.control_job(self.id, "pause"))

    def resume(self) -> Self:
        """Lets it go on, paused or failed."""
        return self._now(self.client.control_job(self.id, "resume"))

    def metrics(self, name: str) -> Iterator[MetricPoint]:
        """The points of one series by rising step, such as val/ap, train/lr or train/loss/frs_feature."""
        yield from self.all_metrics(name).get(name, ())

    def all_metrics(self, *names: str) -> Mapping[str, tuple[MetricPoint, ...]]:
        """The series by name: those named, or all."""
        return {series.name: series.points for series in self.client.job_metrics(self.id, names)}

    def metrics_frame(self, *names: str) -> "pandas.DataFrame":
        """The series named, or all, as a frame: one row a step, one column a series, nan where none was
        recorded. Raises ImportError where pandas is not installed.
        """
        return frame_of(self.all_metrics(*names))

    def log(self) -> str:
        """All that it printed so far."""
        return self.client.whole_log(self.id)

    def files(self) -> "Mapping[str, Artifact | Checkpoint]":
        """What it stored, by the name that each gets on disk."""
        return named_files(self.client.checkpoints(self.id), self.client.artifacts(self.id))

    def download(self, name: str, to: Path | str = ".") -> Path:
        """Fetches one file into a folder and gives its path; its hash is checked, a broken transfer goes on.

        `name` is a file's, or a kind of checkpoint: export, weights, best. Raises FileNameError where there
        is none, DamagedFileError, and OSError.
        """
        found = self.download_all(to, name)
        if len(found) > 1:
            raise FileNameError(f"{name!r} fits {len(found)} files: use download_all for them")
        return found[0]

    def download_all(self, to: Path | str, *patterns: str) -> Sequence[Path]:
        """Fetches the files whose names fit, * for any letters; all but states where no pattern is given."""
        files = self.files()
        paths = []
        for name in chosen(files, patterns):
            path = Path(to) / name
            self.client.save(files[name], path)
            paths.append(path)
        return paths

    def _now(self, newer: "Job") -> Self:
        return self._take(cast(Self, newer))
