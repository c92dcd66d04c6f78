"""A field's value as a browser sends it, and back."""

import re
from typing import Any

import yaml

from frs_core.errors import SpecError
from frs_core.yaml_file import YamlFile, parse_value, parse_yaml
from service.dashboard.spec_form.nodes import NOTHING, Field

MAX_TEXT = 50_000
"""Characters of YAML that the page reads as one types. No experiment needs more, and these take a second."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def to_yaml(value: Any) -> str:
    """YAML as the examples are written: what fits on a line stands on one, keys in the order they have."""
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True)


def from_yaml(text: str, what: str) -> Any:
    """The value of what a person wrote. Raises SpecError."""
    return parse_value(_limited(text, what), what, "experiment")[0]


def experiment_from_yaml(text: str) -> YamlFile:
    """A whole specification that a person wrote. Raises SpecError."""
    return parse_yaml(_limited(text, "The text"), "The text", "experiment")


def _limited(text: str, what: str) -> str:
    if len(text) > MAX_TEXT:
        raise SpecError(
            f"{what} is {len(text)} characters long: give at most {MAX_TEXT}, or use `frs submit` with a file"
        )
    return text


def to_text(field: Field, value: Any) -> str:
    """The text of a value; empty for one that need not be given."""
    if field.kind == "switch":
        return "true" if (field.default if value is NOTHING else value) is True else "false"
    if value is NOTHING or (field.default is not NOTHING and _plain(value) == field.default):
        return str(field.default) if field.kind == "choice" and field.blank is None else ""
    return "null" if value is None else _written(field, value)


def _written(field: Field, value: Any) -> str:
    if field.kind == "yaml":
        return to_yaml(value).rstrip("\n").removesuffix("\n...")
    if field.kind == "list" and isinstance(value, list | tuple):
        return _listed(list(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def from_text(field: Field, text: str) -> Any:
    """The value of a text; NOTHING where it need not be given.

    What cannot be read stays text, so that the specification says what is wrong with it. Raises SpecError for
    YAML that is none.
    """
    if text == "" or (field.kind != "text" and not text.strip()):
        return NOTHING
    if field.nullable and field.kind != "text" and text.strip() == "null":
        value = None
    else:
        value = _value(field, text)
    return NOTHING if field.default is not NOTHING and value == field.default else value


def _value(field: Field, text: str) -> Any:
    if field.kind == "yaml":
        return from_yaml(text, field.label)
    if field.kind == "list":
        return _items(field, text.strip())
    if field.kind == "switch":
        return {"true": True, "false": False}.get(text, text)
    if field.kind == "choice":
        return next((choice for choice in field.choices if str(choice) == text), text)
    return _scalar(field.kind, text)


def _scalar(kind: str, text: str) -> Any:
    """A number where it is one: an integer stays one, also where any number will do."""
    short = text.strip()
    if kind in ("integer", "number") and _INTEGER.fullmatch(short):
        return int(short)
    return float(short) if kind == "number" and _NUMBER.fullmatch(short) else text


def _items(field: Field, text: str) -> Any:
    """Items with commas between them, or YAML where they hold commas themselves."""
    if text.startswith("["):
        return from_yaml(text, field.label)
    parts = [part.strip() for part in text.split(",")]
    return [_scalar(field.items, part) for part in parts if part]


def _listed(items: list[Any]) -> str:
    """Read by `_items` as the same list.

    >>> _listed([0, 1]), _listed(["a, b", "c"]), _listed([])
    ('0, 1', "['a, b', c]", '[]')
    """
    texts = list(map(str, items))
    if items and all(text and text == text.strip() and not set(text) & set("[,\n") for text in texts):
        return ", ".join(texts)
    return yaml.safe_dump(items, default_flow_style=True, width=10_000, allow_unicode=True).strip()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
