"""What can be done with an experiment: `experiment.wait()`, `.compare()`, `.report("pdf", path)`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from service.client.base import Bound
from service.client.metrics import frame_of, joined
from service.client.watching import POLL_SECONDS, watch

if TYPE_CHECKING:
    import pandas

    from service.client.comparisons import Comparison
    from service.client.experiments import Experiment
    from service.client.jobs import Job


class BoundExperiment(Bound):
    """Verbs that change the experiment bring the object itself up to date, and give it back."""

    if TYPE_CHECKING:
        id: str
        tags: tuple[str, ...]

    def refresh(self) -> Self:
        """Asks how it stands now."""
        return self._now(self.client.experiment(self.id))

    def wait(self, timeout: float | None = None, *, poll_seconds: float = POLL_SECONDS) -> Self:
        """Waits until all its jobs have ended, however. Raises WaitTimeoutError after `timeout` seconds."""
        for experiment, _note in watch(
            lambda: self.client.experiment(self.id), timeout_seconds=timeout, poll_seconds=poll_seconds
        ):
            self._now(experiment)
        return self

    def cancel(self) -> Self:
        """Cancels every unfinished job; those that run save their state first."""
        return self._now(self.client.control_experiment(self.id, "cancel"))

    def pause(self) -> Self:
        """Pauses every job that waits or runs; those that run save their state first."""
        return self._now(self.client.control_experiment(self.id, "pause"))

    def resume(self) -> Self:
        """Lets every paused or failed job go on."""
        return self._now(self.client.control_experiment(self.id, "resume"))

    def clone(self, changes: Mapping[str, Any] | None = None) -> "Experiment":
        """Submits its specification anew, with changes merged in."""
        return self.client.clone_experiment(self.id, changes or {})

    def tag(self, *tags: str) -> Self:
        """Adds tags."""
        return self._retagged([*self.refresh().tags, *tags])

    def untag(self, *tags: str) -> Self:
        """Takes tags away."""
        return self._retagged([tag for tag in self.refresh().tags if tag not in tags])

    def job(self, label: str, seed: int | None = None) -> "Job":
        """The job of a row, such as frs, and of a seed where there are several. Raises LookupError."""
        jobs = cast("Experiment", self).jobs
        found = [job for job in jobs if job.label == label and seed in (None, job.seed)]
        if len(found) != 1:
            known = ", ".join(f"{job.label} (seed {job.seed})" for job in jobs)
            raise LookupError(f"{len(found)} jobs are {label!r} with seed {seed}; there are: {known}")
        return found[0]

    def compare(self, baseline: str = "none") -> "Comparison":
        """Its rows over their seeds; AP as fractions, differences to the row labelled `baseline`."""
        return self.client.comparison(self.id, baseline)

    def report(
        self,
        report_format: str,
        path: Path | str | None = None,
        *,
        baseline: str = "none",
        timeout: float | None = 600.0,
    ) -> bytes:
        """The comparison as html, pdf, tex, md, csv, json or zip; written to `path` where one is given.

        Raises WaitTimeoutError where the server takes longer than `timeout` seconds.
        """
        content = self.client.report(self.id, report_format, baseline, timeout_seconds=timeout)
        if path is not None:
            Path(path).write_bytes(content)
        return content

    def frame(self, *names: str) -> "pandas.DataFrame":
        """Metrics of all its started jobs: columns job, label, seed, role, step, and one for each series.

        Raises ImportError where pandas is not installed.
        """
        started = [job for job in cast("Experiment", self).jobs if job.step or job.finished]
        return joined(
            [
                frame_of(job.all_metrics(*names), job=job.id, label=job.label, seed=job.seed, role=job.role)
                for job in started
            ]
        )

    def _retagged(self, tags: Sequence[str]) -> Self:
        return self._now(self.client.change_experiment(self.id, tags=tuple(dict.fromkeys(tags))))

    def _now(self, newer: "Experiment") -> Self:
        return self._take(cast(Self, newer))
