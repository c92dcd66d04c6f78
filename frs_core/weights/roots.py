"""The folders that weights named by their path may lie in, where a deployment names them."""

from collections.abc import Sequence
from pathlib import Path

from frs_core.datasets.roots import named_outside, outside


def refusal_of_path(path: str, roots: Sequence[Path], *, visible: bool = True) -> str | None:
    """Why weights are not read from this path; None where they may be. Without roots nothing is refused.

    Links are followed, unless this machine does not see what is there (`visible` False). Whether there is
    anything outside of the roots is not told.
    """
    if not (outside if visible else named_outside)(path, roots):
        return None
    allowed = ", ".join(map(str, roots))
    return f"lies outside the folders for weights (FRS_IMPORT_ROOTS: {allowed}): move it there, or upload it"
