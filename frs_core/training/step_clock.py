"""What a step of the training takes, in time and memory."""

# ruff: noqa: ARG002  (mmengine fixes the signatures)

import resource
import time
from collections.abc import Sequence
from typing import Any

import torch

from frs_core.cost import TrainingCost
from frs_core.detectors.wall import Hook
from frs_core.evaluation.cost import device_name, percentiles
from frs_core.training.hooks import is_due


class StepClock(Hook):  # type: ignore[misc]
    """Times each step from the beginning of one to that of the next, so that a GPU is never waited for.

    One that is followed by evaluation or saving, at a multiple of the `pauses` (in steps), ends before that,
    when the GPU is done.
    """

    priority = "VERY_HIGH"

    def __init__(self, pauses: Sequence[int]) -> None:
        self._pauses = tuple(pauses)
        self._began: float | None = None
        self._seconds: list[float] = []
        self._peak_memory: int | None = None

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """A step begins, and the one before it has ended."""
        self._stop()
        self._began = time.perf_counter()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """The last step before something else has ended."""
        if runner.iter < runner.max_iters and not is_due(runner.iter, self._pauses):
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            self._peak_memory = torch.cuda.max_memory_allocated()
        self._stop()
        self._began = None

    def cost(self, batch_size: int, device: torch.device) -> TrainingCost | None:
        """What was measured; None where no step was done. The first step, which warms up, is not counted."""
        counted = self._seconds[1:] or self._seconds
        if not counted:
            return None
        median, p95 = percentiles(counted)
        return TrainingCost(
            step_seconds_median=median,
            step_seconds_p95=p95,
            timed_steps=len(counted),
            batch_size=batch_size,
            device=device_name(device),
            threads=torch.get_num_threads(),
            peak_memory_bytes=self._peak_memory if device.type == "cuda" else None,
            peak_resident_bytes=1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        )

    def _stop(self) -> None:
        if self._began is not None:
            self._seconds.append(time.perf_counter() - self._began)
