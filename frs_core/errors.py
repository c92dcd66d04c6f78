"""The family of errors that frs_core raises.

Everything a user can mend derives from `UserError`; such a job is failed, never retried.
"""

from collections.abc import Mapping, Sequence


class FrsError(Exception):
    """Root of all errors of this package."""


class UserError(FrsError, ValueError):
    """A fault in what the user gave. `code` is stable; the message says what is wrong and what to do next."""

    code = "user_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class SpecError(UserError):
    """A job or experiment specification that cannot be run."""

    code = "invalid_spec"


class DatasetError(UserError):
    """A data set with faults that nobody can train on."""

    code = "invalid_dataset"


class CheckpointError(UserError):
    """A file that is not a checkpoint, or not one for this detector."""

    code = "invalid_checkpoint"


class PictureError(UserError):
    """A file that is no picture, or none that can be looked at."""

    code = "invalid_picture"


class PredictionsError(UserError):
    """A file of predictions that is none, or is not about the images of its split."""

    code = "invalid_predictions"


class OperatorMissingError(UserError):
    """An operator that needs mmcv's compiled extension."""

    code = "operator_missing"


class NonFiniteLossError(UserError):
    """A loss that is no longer a number: every term of the step by name, and the images of its batch."""

    code = "nonfinite_loss"

    def __init__(
        self, message: str, *, step: int, values: Mapping[str, float], image_ids: Sequence[int]
    ) -> None:
        super().__init__(message)
        self.step = step
        self.values = dict(values)
        self.image_ids = list(image_ids)


class BelowMinApError(UserError):
    """A teacher that is worse than its experiment allows."""

    code = "below_min_ap"


class UnexpectedApError(UserError):
    """A teacher whose AP is not the one that its experiment expects."""

    code = "unexpected_ap"


class OutOfMemoryError(UserError):
    """A training that needs more memory than there is. The message says what to change."""

    code = "out_of_memory"


class Stopped(FrsError):
    """Raised inside a run when the context asked it to stop and the state has been saved."""
