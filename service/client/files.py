"""The files of a job by the names that they get on disk."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from service.client.errors import ClientError

if TYPE_CHECKING:
    from service.client.job_files import Artifact, Checkpoint

_SUFFIXES = {"weights": "safetensors", "best": "safetensors"}


class FileNameError(ClientError):
    """A name that the job has no file of, or that would leave the folder."""


def named_files(
    checkpoints: "Iterable[Checkpoint]", artifacts: "Iterable[Artifact]"
) -> "dict[str, Artifact | Checkpoint]":
    """By the name each gets on disk, which never leaves the folder whatever the server calls it.

    Of several checkpoints of a kind the last stands under the name; states keep their step.
    Raises FileNameError.
    """
    files: dict[str, Artifact | Checkpoint] = {}
    for checkpoint in checkpoints:
        files[_checkpoint_name(checkpoint)] = checkpoint
    for artifact in artifacts:
        path = PurePosixPath(artifact.name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise FileNameError(f"the server names a file {artifact.name!r}: refused")
        files[str(path)] = artifact
    return files


def chosen(files: "Mapping[str, Artifact | Checkpoint]", patterns: Sequence[str]) -> list[str]:
    """The names that fit the patterns, sorted; all but states where there is none. Raises FileNameError.

    A kind of checkpoint stands for its name: `export` for export.pth.
    """
    if not patterns:
        return [name for name in sorted(files) if not name.startswith("state-")]
    wanted = [_full_name(files, pattern) for pattern in patterns]
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in files):
            known = ", ".join(sorted(files)) or "none"
            raise FileNameError(f"the job has no file {pattern!r}; it has: {known}")
    return [name for name in sorted(files) if any(fnmatchcase(name, pattern) for pattern in wanted)]


def _full_name(files: "Mapping[str, Artifact | Checkpoint]", pattern: str) -> str:
    if pattern in files:
        return pattern
    return next((name for name in files if name.rpartition(".")[0] == pattern), pattern)


def _checkpoint_name(checkpoint: "Checkpoint") -> str:
    kind = "".join(letter for letter in checkpoint.kind if letter.isalnum())
    step = f"-{checkpoint.step:08d}" if kind == "state" else ""
    return f"{kind}{step}.{_SUFFIXES.get(kind, 'pth')}"
