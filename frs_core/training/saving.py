"""What a training leaves on the disk while it runs: states to resume from, and its best weights."""

from pathlib import Path
from typing import Any

from frs_core.context import RunContext
from frs_core.detectors.checkpoints import save_weights
from frs_core.events import CheckpointKind
from frs_core.training.model import DistillingDetector
from frs_core.training.state import restore_state, save_state

DEFAULT_KEEP_STATES = 2


class BestWeights:
    """Keeps the weights of the highest AP on val. `ap` and `step` say which; None before the first."""

    def __init__(self, model: DistillingDetector, context: RunContext, classes: tuple[str, ...]) -> None:
        self._model = model
        self._context = context
        self._classes = classes
        self._kept: Path | None = None
        self.ap: float | None = None
        self.step: int | None = None

    def offer(self, ap: float | None, *, step: int, epoch: int) -> None:
        """Save the weights as they are now if they are better than all before."""
        if ap is None or (self.ap is not None and ap <= self.ap):
            return
        self.ap, self.step = ap, step
        path = self._context.workdir / f"best_{step:08d}.safetensors"
        save_weights(self._model.trained.state_dict(), path, {"classes": ",".join(self._classes)})
        metadata = {"classes": list(self._classes), "split": "val", "ap": ap}
        self._context.checkpoint(CheckpointKind.BEST, path, step=step, epoch=epoch, metadata=metadata)
        if self._kept is not None:
            self._context.discard(self._kept)
        self._kept = path


class StateSaver:
    """Saves the state, once a step however often it is asked, and keeps the newest `keep` files."""

    def __init__(
        self,
        model: DistillingDetector,
        optimizer: Any,
        schedulers: list[Any],
        best: BestWeights,
        context: RunContext,
        *,
        job_hash: str,
        keep: int | None,
    ) -> None:
        self._parts = (model, optimizer, schedulers)
        self._best = best
        self._context = context
        self._job_hash = job_hash
        self._keep = keep or DEFAULT_KEEP_STATES
        self._kept: dict[int, Path] = {}

    def save(self, runner: Any) -> None:
        """Write `state_<step>.pth` into the work folder and publish it."""
        step = runner.iter
        if step in self._kept:
            return
        path = self._context.workdir / f"state_{step:08d}.pth"
        best = {"ap": self._best.ap, "step": self._best.step}
        save_state(path, *self._parts, best=best, job_hash=self._job_hash)
        self._context.checkpoint(CheckpointKind.STATE, path, step=step, epoch=runner.epoch)
        self._kept[step] = path
        while len(self._kept) > self._keep:
            self._context.discard(self._kept.pop(min(self._kept)))

    def restore(self, path: Path) -> None:
        """Continue from a state. Raises CheckpointError where it belongs to another job or version."""
        best = restore_state(path, *self._parts, job_hash=self._job_hash)
        self._best.ap, self._best.step = best["ap"], best["step"]
