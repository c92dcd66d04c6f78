"""A training loop for mmengine's Runner that can start at any step."""

from typing import Any

from torch import nn

from frs_core.detectors.wall import BaseLoop
from frs_core.spec.schedule import Length


class StepLoop(BaseLoop):  # type: ignore[misc]
    """Runs the steps its loader yields, each a list of batches. Its hooks act between steps alone."""

    def __init__(self, runner: Any, dataloader: Any, *, first_step: int, length: Length) -> None:
        super().__init__(runner, dataloader)
        self.iter = first_step
        self.max_iters = length.steps
        self.max_epochs = length.epochs
        self._steps_per_epoch = length.steps_per_epoch

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return self.iter // self._steps_per_epoch

    def run(self) -> nn.Module:
        """Train to the last step. Hooks may raise to end it earlier."""
        runner = self.runner
        runner.call_hook("before_train")
        runner.model.train()
        for batches in self.dataloader:
            runner.call_hook("before_train_iter", batch_idx=self.iter, data_batch=batches)
            outputs = runner.model.train_step(batches, optim_wrapper=runner.optim_wrapper)
            self.iter += 1
            runner.call_hook("after_train_iter", batch_idx=self.iter - 1, data_batch=batches, outputs=outputs)
        runner.call_hook("after_train")
        model: nn.Module = runner.model
        return model
