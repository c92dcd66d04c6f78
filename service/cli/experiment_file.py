"""Reads an experiment file: YAML with no key twice, its paths made absolute, its lines remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from frs_core.errors import SpecError
from frs_core.weights.reference import EXTENSIONS, ZOO, is_address
from frs_core.yaml_file import read_yaml


class FileFault(Exception):
    """The file cannot be read as an experiment; the message names file and line."""


@dataclass(frozen=True, kw_only=True)
class ExperimentFile:
    """A parsed file. `lines` maps dotted fields (methods.0.name) to lines, counted from 1."""

    path: Path
    content: Mapping[str, Any]
    lines: Mapping[str, int]

    def line(self, field: str) -> int | None:
        """The line of a field, or of the nearest field around it; None where there is none."""
        parts = field.split(".")
        for length in range(len(parts), 0, -1):
            line = self.lines.get(".".join(parts[:length]))
            if line is not None:
                return line
        return None


def read_experiment_file(path: Path) -> ExperimentFile:
    """The file's content, its paths to data and checkpoints absolute. Raises FileFault."""
    try:
        read = read_yaml(path, "experiment")
    except SpecError as error:
        raise FileFault(str(error)) from error
    return ExperimentFile(
        path=path, content=_with_absolute_paths(read.content, path), lines=_lines(read.node)
    )


def _with_absolute_paths(content: dict[str, Any], path: Path) -> dict[str, Any]:
    folder = path.absolute().parent
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


def _lines(node: yaml.Node | None, field: str = "") -> dict[str, int]:
    lines: dict[str, int] = {}
    prefix = f"{field}." if field else ""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            lines[name] = key.start_mark.line + 1
            lines |= _lines(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            name = f"{prefix}{index}"
            lines[name] = value.start_mark.line + 1
            lines |= _lines(value, name)
    return lines
