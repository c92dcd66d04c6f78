"""Comparisons and reports of them, and the client's verbs that ask for them. AP as fractions."""

import time
from collections.abc import Callable, Mapping

import httpx

from service.client.base import Answer
from service.client.errors import WaitTimeoutError
from service.client.transport import Transport, segment

_EXPERIMENTS = "/api/v1/experiments"
REPORT_WAIT_SECONDS = 5


class Statistic(Answer):
    """Mean and sample standard deviation over `n` seeds."""

    mean: float | None
    sd: float | None
    n: int


class Trial(Answer):
    """Values of searched parameters and the AP (a fraction) they had; None where it has no AP."""

    values: Mapping[str, bool | int | float | str]
    words: str
    ap: float | None


class Search(Answer):
    """How a row's options were found, on `split`; `chosen` is the number of the best trial."""

    tried: tuple[Trial, ...]
    chosen: int
    split: str


class ComparisonRow(Answer):
    """All runs of one label. `delta_ap` is paired by seed; `gap_closed` is a share and may exceed 1.

    What is `external` was made elsewhere and judged here; what is `cited` was judged elsewhere too.
    """

    label: str
    method: str | None = None
    role: str
    source: str = "run"
    seeds: tuple[int, ...]
    metrics: Mapping[str, Statistic]
    delta_ap: float | None = None
    delta_ap_sd: float | None = None
    delta_ap_interval: tuple[float, float] | None = None
    gap_closed: float | None = None
    params: int | None = None
    macs: int | None = None
    latency_ms: Statistic | None = None
    expected_ap: float | None = None
    search: Search | None = None
    note: str | None = None


class Comparison(Answer):
    """The teacher's row, then the methods' in the order of the experiment."""

    experiment: str
    name: str = ""
    baseline: str
    split: str | None = None
    rows: tuple[ComparisonRow, ...]
    verdict: str = ""
    warnings: tuple[str, ...] = ()
    max_images: int | None = None


class Difference(Answer):
    """A setting in which rows differ, and what it is in each."""

    setting: str
    values: Mapping[str, str]


class AcrossComparison(Answer):
    """The comparison of any runs, and the settings in which their rows differ."""

    comparison: Comparison
    differences: tuple[Difference, ...] = ()


class Rendering(Answer):
    """A report that is being made: the share that is done, and what is being done."""

    progress: float
    stage: str


class ComparisonVerbs(Transport):
    """Reads the comparison of an experiment, and has it rendered."""

    def comparison(self, experiment_id: str, baseline: str = "none") -> Comparison:
        """The comparison of an experiment; AP as fractions, differences to the row labelled `baseline`."""
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}/comparison"
        return self._get(path, Comparison, {"baseline": baseline})

    def report(
        self,
        experiment_id: str,
        report_format: str,
        baseline: str = "none",
        *,
        watch: Callable[[Rendering], None] | None = None,
        timeout_seconds: float | None = None,
    ) -> bytes:
        """The comparison rendered by the server in one of its formats; `watch` sees how far it is.

        Raises WaitTimeoutError where it is not made within `timeout_seconds`.
        """
        started = time.monotonic()
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}/report"
        query = {"format": report_format, "baseline": baseline, "wait": str(REPORT_WAIT_SECONDS)}
        while True:
            answer = self._send("GET", path, params=query, retry=True)
            if answer.status_code != httpx.codes.ACCEPTED:
                return answer.content
            made = self._read(answer, Rendering)
            if watch is not None:
                watch(made)
            if timeout_seconds is not None and time.monotonic() - started >= timeout_seconds:
                what = f"the {report_format} report is not made ({100 * made.progress:.0f} %)"
                raise WaitTimeoutError(what, timeout_seconds)
