"""Reads what people write: one YAML file whose top level is keys, no key twice, nothing executed."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from frs_core.errors import SpecError

MAX_VALUES = 100_000
"""Of a file once its aliases are written out: a few lines of aliases can stand for billions of values."""


@dataclass(frozen=True, kw_only=True)
class YamlFile:
    """A parsed file. `node` is what it was parsed from; it knows lines."""

    content: dict[str, Any]
    node: yaml.MappingNode


def read_yaml(path: Path, what: str) -> YamlFile:
    """The file's content. Raises SpecError, which says why it is no `what` ("experiment")."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpecError(f"{path} is not UTF-8 text: {error}") from error
    return parse_yaml(text, str(path), what)


def parse_yaml(text: str, source: str, what: str) -> YamlFile:
    """As `read_yaml`, of text that came from `source`."""
    content, node = parse_value(text, source, what)
    if not isinstance(content, dict) or not isinstance(node, yaml.MappingNode):
        raise SpecError(f"{source} holds no {what}: its top level must be keys, such as name and dataset")
    return YamlFile(content=content, node=node)


def parse_value(text: str, source: str, what: str) -> tuple[Any, yaml.Node | None]:
    """Any value, and what it was parsed from: None for an empty text. Raises SpecError."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        _count(node)
        content = None if node is None else loader.construct_document(node)
        json.dumps(content)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: such as an integer of 5000 digits
        raise SpecError(f"{source} is not valid YAML: {error}") from error
    except TypeError as error:
        raise SpecError(f"{source} holds a value that no {what} can have: {error}") from error
    except RecursionError as error:
        raise SpecError(f"{source} is nested too deeply") from error
    return content, node


def field_lines(node: yaml.Node | None, field: str = "") -> dict[str, int]:
    """The line of each dotted field (methods.0.name), counted from 1."""
    lines: dict[str, int] = {}
    prefix = f"{field}." if field else ""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            lines[name] = key.start_mark.line + 1
            lines |= field_lines(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            name = f"{prefix}{index}"
            lines[name] = value.start_mark.line + 1
            lines |= field_lines(value, name)
    return lines


def nearest_line(lines: Mapping[str, int], field: str) -> int | None:
    """The line of a field, or of the nearest field around it; None where there is none."""
    parts = field.split(".")
    for length in range(len(parts), 0, -1):
        line = lines.get(".".join(parts[:length]))
        if line is not None:
            return line
    return None


def _count(node: yaml.Node | None, left: int = MAX_VALUES) -> int:
    """How many of `left` values remain when those of `node` are taken."""
    left -= 1
    if left < 0:
        raise yaml.YAMLError(f"it stands for more than {MAX_VALUES} values; use fewer aliases (*name)")
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [value for _key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    for child in children:
        left = _count(child, left)
    return left


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice, of which plain YAML silently keeps the last; reads a date as text."""

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


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
