"""Reads an experiment file: YAML with no key twice, its paths made absolute, its lines remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from frs_core.errors import SpecError
from frs_core.weights.reference import EXTENSIONS, ZOO, is_address
from frs_core.yaml_file import field_lines, nearest_line, read_yaml
from service.client.errors import ClientError

Specification = Path | str | Mapping[str, Any] | BaseModel
"""What an experiment can be given as; a text is the path of a file."""


class FileFault(ClientError):
    """The file cannot be read as an experiment; the message names file and line."""


@dataclass(frozen=True, kw_only=True)
class ExperimentFile:
    """A parsed file. `lines` maps dotted fields (methods.0.name) to lines, counted from 1."""

    path: Path
    content: Mapping[str, Any]
    lines: Mapping[str, int]

    def line(self, field: str) -> int | None:
        """The line of a field, or of the nearest field around it; None where there is none."""
        return nearest_line(self.lines, field)


def read_experiment_file(path: Path) -> ExperimentFile:
    """The file's content, its paths to data and checkpoints absolute. Raises FileFault."""
    try:
        read = read_yaml(path, "experiment")
    except SpecError as error:
        raise FileFault(str(error)) from error
    return ExperimentFile(
        path=path,
        content=with_absolute_paths(read.content, path.absolute().parent),
        lines=field_lines(read.node),
    )


def content_of(spec: Specification) -> dict[str, Any]:
    """What is sent to the server. Raises FileFault."""
    if isinstance(spec, BaseModel):
        return spec.model_dump(mode="json")
    return dict(read_experiment_file(Path(spec)).content if isinstance(spec, str | Path) else spec)


def with_absolute_paths(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The content with its relative paths to data and checkpoints starting at a folder."""
    dataset = content.get("dataset")
    if isinstance(dataset, dict) and isinstance(dataset.get("root"), str) and dataset["root"]:
        content = content | {"dataset": dataset | {"root": _absolute(folder, dataset["root"])}}
    for role in ("teacher", "student"):
        part = content.get(role)
        if not isinstance(part, dict) or not isinstance(part.get("checkpoint"), str):
            continue
        if _is_path(folder, part["checkpoint"]):
            content = content | {role: part | {"checkpoint": _absolute(folder, part["checkpoint"])}}
    return content


def _absolute(folder: Path, value: str) -> str:
    return str((folder / Path(value).expanduser()).resolve())


def _is_path(folder: Path, checkpoint: str) -> bool:
    """Told from an address, a stored id and the word `zoo`."""
    if is_address(checkpoint) or checkpoint == ZOO:
        return False
    return "/" in checkpoint or Path(checkpoint).suffix in EXTENSIONS or (folder / checkpoint).is_file()
