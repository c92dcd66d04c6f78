"""What happens around the training steps: reporting, evaluating, saving, stopping. One hook each."""

# ruff: noqa: ARG002  (mmengine fixes the signatures)

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from frs_core.context import RunContext
from frs_core.detectors.wall import Hook
from frs_core.distributed import any_process
from frs_core.errors import Stopped
from frs_core.training.memory import memory_in_use
from frs_core.training.optimizer import learning_rate

_MAX_POINTS = 2000
_PROGRESS_SECONDS = 1.0
_LOG_SECONDS = 10.0
_TOTALS = {"loss": "train/loss", "plain_loss": "train/plain_loss"}
_DOMINANT_RATIO = 5.0
_DOMINANT_STEPS = 50

log = logging.getLogger(__name__)


class ReportHook(Hook):  # type: ignore[misc]
    """Loss terms and learning rate as metrics, what a step takes of the host, and where the run is.

    At most 2000 points a series, at steps that depend on the schedule alone. What is named `host/` is of the
    machine and no two runs agree in it; all else is exact.
    """

    priority = "VERY_HIGH"  # before the schedule moves on, so that the rate is the one the step used

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._last_progress = 0.0
        self._last_log = 0.0
        self._started: tuple[float, int] | None = None
        self._reported: tuple[float, int] | None = None

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Start the clock with the first step of this run."""
        self._started = self._started or (time.monotonic(), batch_idx)
        self._reported = self._reported or (time.monotonic(), int(runner.iter))

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Report the step just done. The n-th step is number n, as is a checkpoint taken after it."""
        interval = -(-runner.max_iters // _MAX_POINTS)
        last = runner.iter == runner.max_iters
        if runner.iter % interval == 0 or runner.iter == 1 or last:
            self._context.report(runner.iter, _metrics(runner, outputs) | self._of_host(runner))
        if runner.model.diagnostics:
            named = {f"train/{name}": value for name, value in runner.model.diagnostics.items()}
            self._context.report(runner.iter, named)
        if last or time.monotonic() - self._last_log >= _LOG_SECONDS:
            self._last_log = time.monotonic()
            log.info("step %d of %d: %s", runner.iter, runner.max_iters, _in_words(_metrics(runner, outputs)))
        if last or time.monotonic() - self._last_progress >= _PROGRESS_SECONDS:
            self._last_progress = time.monotonic()
            self._context.progress(
                "training",
                step=runner.iter,
                total_steps=runner.max_iters,
                epoch=runner.epoch,
                total_epochs=runner.max_epochs,
                eta_seconds=self._eta(runner),
            )

    def _of_host(self, runner: Any) -> dict[str, float]:
        """Seconds a step since the last report, evaluations in between included, and memory in use."""
        assert self._reported is not None
        (began, first_step), now = self._reported, time.monotonic()
        self._reported = (now, int(runner.iter))
        memory = memory_in_use()
        seconds = (now - began) / max(1, int(runner.iter) - first_step)
        return {"host/step_seconds": seconds} | ({} if memory is None else {"host/memory_bytes": memory})

    def _eta(self, runner: Any) -> float:
        assert self._started is not None
        began, first_step = self._started
        done, left = int(runner.iter) - first_step, int(runner.max_iters - runner.iter)
        return (time.monotonic() - began) / done * left


def _metrics(runner: Any, outputs: dict[str, float]) -> dict[str, float]:
    values = {_TOTALS.get(name, f"train/loss/{name}"): value for name, value in outputs.items()}
    return values | {"train/lr": learning_rate(runner.optim_wrapper)}


def _in_words(values: dict[str, float]) -> str:
    return ", ".join(f"{name.removeprefix('train/')} {value:.4g}" for name, value in values.items())


class DominanceHook(Hook):  # type: ignore[misc]
    """Warns, once of each, of a term that stays above five times the plain loss after its warm-up.

    Re-runs of the published FRS code diverged in this way.
    """

    def __init__(self, context: RunContext, warmup_steps: int) -> None:
        self._context = context
        self._warmup_steps = warmup_steps
        self._lasted: dict[str, int] = {}
        self._told: set[str] = set()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Count the steps in a row for which a term dominates."""
        if runner.iter <= self._warmup_steps:
            return
        for name, value in outputs.items():
            dominant = name not in _TOTALS and value > _DOMINANT_RATIO * outputs["plain_loss"]
            self._lasted[name] = self._lasted.get(name, 0) + 1 if dominant else 0
            if self._lasted[name] == _DOMINANT_STEPS and name not in self._told:
                self._told.add(name)
                self._context.warn(
                    "dominant_term",
                    f"the distillation term {name!r} was above {_DOMINANT_RATIO:g} times the detector's own "
                    f"loss for {_DOMINANT_STEPS} steps, up to step {runner.iter}: lower its weight in the "
                    "method's options",
                    details={"term": name, "step": runner.iter},
                )


def is_due(step: int, intervals: Sequence[int]) -> bool:
    """Whether the step is a multiple of an interval."""
    return any(step % interval == 0 for interval in intervals)


class IntervalHook(Hook):  # type: ignore[misc]
    """Calls `action` after every multiple of the intervals, in steps; after the last step if `at_last`."""

    priority = "LOW"

    def __init__(self, action: Callable[[Any], object], intervals: Sequence[int], *, at_last: bool) -> None:
        self._action = action
        self._intervals = tuple(intervals)
        self._at_last = at_last

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Act when it is time."""
        if self._at_last if runner.iter == runner.max_iters else is_due(runner.iter, self._intervals):
            self._action(runner)


class StopHook(Hook):  # type: ignore[misc]
    """When the context of any process asks to stop: save the state and raise `Stopped`, between two steps.

    It looks when all else that the step brings is done, such as an evaluation, which is not repeated.
    """

    priority = "VERY_LOW"

    def __init__(self, context: RunContext, save: Callable[[Any], None]) -> None:
        self._context = context
        self._save = save

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Look once a step; a finished training is not stopped."""
        if runner.iter < runner.max_iters and any_process(self._context.should_stop()):
            self._save(runner)
            raise Stopped(f"stopped at step {runner.iter} of {runner.max_iters}; the state is saved")
