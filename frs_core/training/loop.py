"""A training loop for mmengine's Runner that can start at any step."""

from typing import Any

from torch import nn

from frs_core.detectors.wall import BaseLoop


class StepLoop(BaseLoop):  # type: ignore[misc]
    """Runs the batches its loader yields; an epoch ends whenever a multiple of its steps is done."""

    def __init__(
        self, runner: Any, dataloader: Any, *, first_step: int, total_steps: int, steps_per_epoch: int
    ) -> None:
        super().__init__(runner, dataloader)
        self.iter = first_step
        self.max_iters = total_steps
        self.max_epochs = total_steps // steps_per_epoch
        self._steps_per_epoch = steps_per_epoch

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return self.iter // self._steps_per_epoch

    def run(self) -> nn.Module:
        """Train to the last step. Hooks may raise to end it earlier."""
        runner = self.runner
        runner.call_hook("before_train")
        runner.model.train()
        for batch in self.dataloader:
            if self.iter % self._steps_per_epoch == 0:
                runner.call_hook("before_train_epoch")
            runner.call_hook("before_train_iter", batch_idx=self.iter, data_batch=batch)
            outputs = runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper)
            self.iter += 1
            runner.call_hook("after_train_iter", batch_idx=self.iter - 1, data_batch=batch, outputs=outputs)
            if self.iter % self._steps_per_epoch == 0:
                runner.call_hook("after_train_epoch")
        runner.call_hook("after_train")
        model: nn.Module = runner.model
        return model
