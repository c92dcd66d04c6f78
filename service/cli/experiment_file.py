"""Reads an experiment file: YAML with no key twice, its paths made absolute, its lines remembered."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHECKPOINT_SUFFIXES = {".pth", ".pt", ".safetensors"}


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
    """The file's content, with dataset.root and teacher.checkpoint absolute. Raises FileFault."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader
    except OSError as error:
        raise FileFault(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileFault(f"{path} is not UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise FileFault(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise FileFault(f"{path} holds no experiment: its top level must be keys, such as name and dataset")
    return ExperimentFile(path=path, content=_with_absolute_paths(content, path), lines=_lines(node))


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice, of which plain YAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # refused below
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _with_absolute_paths(content: dict[str, Any], path: Path) -> dict[str, Any]:
    folder = path.absolute().parent
    dataset, teacher = content.get("dataset"), content.get("teacher")
    if isinstance(dataset, dict) and isinstance(dataset.get("root"), str) and dataset["root"]:
        content = content | {"dataset": dataset | {"root": _absolute(folder, dataset["root"])}}
    if isinstance(teacher, dict) and isinstance(teacher.get("checkpoint"), str):
        checkpoint = teacher["checkpoint"]
        if _is_path(folder, checkpoint):
            content = content | {"teacher": teacher | {"checkpoint": _absolute(folder, checkpoint)}}
    return content


def _absolute(folder: Path, value: str) -> str:
    return str((folder / Path(value).expanduser()).resolve())


def _is_path(folder: Path, checkpoint: str) -> bool:
    """Told from an address, a stored id and the word `zoo`."""
    if "://" in checkpoint:
        return False
    return (
        "/" in checkpoint or Path(checkpoint).suffix in CHECKPOINT_SUFFIXES or (folder / checkpoint).is_file()
    )


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
