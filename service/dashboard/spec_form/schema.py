"""Makes the form of the specification's JSON schema, so that a new field of it is a new field here."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from markupsafe import Markup, escape

from frs_core.spec import ExperimentSpec
from service.dashboard.spec_form import layout
from service.dashboard.spec_form.nodes import NOTHING, Field, Group, Kind, Node, Presence

Schema = Mapping[str, Any]
_HIGH = 1e6
"""A bound above which nobody needs to be told of it."""
_LONG = 2000
"""A text that may be longer than this is given room."""
_SIMPLE: Mapping[str, Kind] = {
    "integer": "integer",
    "number": "number",
    "string": "text",
    "boolean": "switch",
}


class _Place(NamedTuple):
    """Where a schema stands. `inherits` is what leaving a field out means where another part is followed."""

    path: str
    required: bool = False
    inherits: str | None = None


@cache
def experiment_form() -> Group:
    """The form of an experiment, in the order of its specification."""
    schema = ExperimentSpec.model_json_schema()
    return Group(path="", label="Experiment", nodes=_Reader(schema.get("$defs", {})).children(schema, ""))


@cache
def sections() -> tuple[tuple[str, Group], ...]:
    """The form in the order of the page."""
    nodes = {node.path: node for node in experiment_form().nodes}
    named = {name for _, names in layout.SECTIONS for name in names}
    parts = [*layout.SECTIONS, ("Others", tuple(name for name in nodes if name not in named))]
    found = [(title, tuple(nodes[name] for name in names)) for title, names in parts if names]
    return tuple((title, Group(path="", label=title, nodes=_unwrapped(part))) for title, part in found)


def _unwrapped(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Parts that are always there need no frame of their own within their section."""
    found: list[Node] = []
    for node in nodes:
        found += node.nodes if isinstance(node, Group) and node.presence == "always" else (node,)
    return tuple(found)


class _Reader:
    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions

    def children(self, schema: Schema, path: str, inherits: str | None = None) -> tuple[Node, ...]:
        """The fields of an object; constants are no fields."""
        required = schema.get("required", ())
        prefix = f"{path}." if path else ""
        return tuple(
            self._node(child, _Place(prefix + key, key in required, inherits))
            for key, child in schema.get("properties", {}).items()
            if "const" not in child and prefix + key not in layout.HIDDEN
        )

    def _node(self, given: Schema, place: _Place) -> Node:
        if place.path == "methods":
            return Field(path="methods", label="Methods", kind="methods", required=True, is_common=True)
        schema, nullable = self._resolved(given)
        help_ = _help(place.path, given)
        if "discriminator" in schema:
            return self._union(schema, place, help_)
        if "prefixItems" in schema:
            return self._pair(schema, place, help_)
        if "properties" in schema:
            return self._group(schema, place, nullable, help_)
        return self._field(schema, place, nullable, help_)

    def _resolved(self, schema: Schema) -> tuple[Schema, bool]:
        """The schema without references, and whether null is a value too."""
        nullable = False
        if "anyOf" in schema:
            others = [option for option in schema["anyOf"] if option.get("type") != "null"]
            nullable = len(others) < len(schema["anyOf"])
            assert len(others) == 1, f"a choice between {len(others)} types has no field: {schema}"
            schema = {**others[0], **{key: value for key, value in schema.items() if key != "anyOf"}}
        if "$ref" in schema:
            target = self._definitions[schema["$ref"].rpartition("/")[2]]
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        return schema, nullable

    def _group(self, schema: Schema, place: _Place, nullable: bool, help_: Markup) -> Group:
        presence: Presence = "always"
        if nullable or place.inherits:
            presence = "inherited" if nullable and place.inherits else "optional"
        return Group(
            path=place.path,
            label=layout.label(place.path),
            help=help_ or _help(place.path, {"description": _first(schema.get("description", ""))}),
            presence=presence,
            required=place.required,
            nodes=self.children(schema, place.path, layout.INHERITING.get(place.path)),
        )

    def _pair(self, schema: Schema, place: _Place, help_: Markup) -> Group:
        nodes = tuple(
            self._field(item, _Place(f"{place.path}.{index}", place.required), False, Markup())
            for index, item in enumerate(schema["prefixItems"])
        )
        label = layout.label(place.path)
        return Group(
            path=place.path, label=label, help=help_, presence="pair", required=place.required, nodes=nodes
        )

    def _union(self, schema: Schema, place: _Place, help_: Markup) -> Group:
        """One field for each key, whichever of the types have it."""
        types = {
            name: self._definitions[ref.rpartition("/")[2]]["properties"]
            for name, ref in schema["discriminator"]["mapping"].items()
        }
        tag = schema["discriminator"]["propertyName"]
        chosen = Field(
            path=f"{place.path}.{tag}", label=layout.label(f"{place.path}.{tag}"), kind="choice",
            choices=tuple(types), blank=layout.absence(place.path),
        )  # fmt: skip
        keys = dict.fromkeys(key for fields in types.values() for key in fields if key != tag)
        nodes = tuple(self._shared(f"{place.path}.{key}", key, types) for key in keys)
        label = layout.label(place.path)
        return Group(path=place.path, label=label, help=help_, presence="union", nodes=(chosen, *nodes))

    def _shared(self, path: str, key: str, types: Mapping[str, Schema]) -> Field:
        having = {name: fields[key] for name, fields in types.items() if key in fields}
        merged = dict(next(iter(having.values())))
        defaults = {name: schema.get("default", NOTHING) for name, schema in having.items()}
        if "enum" in merged:
            merged["enum"] = sorted({value for schema in having.values() for value in schema["enum"]})
        merged.pop("default", None)
        told = ", ".join(
            name + ("" if default is NOTHING else f" ({default})") for name, default in defaults.items()
        )
        description = merged.get("description")
        help_ = _prose(f"{description}; of {told}" if description else f"Of {told}")
        made = self._field(merged, _Place(path, inherits="its default"), False, help_)
        return Field(**{**vars(made), "of": defaults})

    def _field(self, schema: Schema, place: _Place, nullable: bool, help_: Markup) -> Field:
        kind, items = _kind(schema, place)
        default = NOTHING if place.required or place.inherits else _default(schema, nullable)
        choices = tuple(schema.get("enum", ()))
        if place.path in layout.CHOICES:
            choices = layout.CHOICES[place.path]()
        elif kind == "choice" and not choices:
            choices = (True, False)
        absence = place.inherits or layout.absence(place.path)
        chosen = default is NOTHING or default is None or default == ""
        can_be_none = nullable and default is not None and place.path not in layout.NEVER_NONE
        key = place.path.rpartition(".")[2]
        return Field(
            path=place.path,
            label=layout.label(place.path),
            kind=kind,
            help=_joined(help_, _limits(schema, kind), _none(kind) if can_be_none else ""),
            placeholder=_placeholder(place, default, absence),
            default=default,
            required=place.required,
            nullable=nullable,
            is_common=place.path in layout.COMMON,
            choices=choices,
            blank=None if not chosen else "choose" if place.required else absence,
            items=items,
            is_long=schema.get("maxLength", 0) > _LONG or key in layout.SUGGESTIONS,
            suggestions=key if key in layout.SUGGESTIONS else None,
        )


def _kind(schema: Schema, place: _Place) -> tuple[Kind, Kind]:
    if "enum" in schema or place.path in layout.CHOICES:
        return "choice", "text"
    kind = schema.get("type")
    if kind == "boolean" and place.inherits:
        return "choice", "text"
    if kind == "array" and schema["items"].get("type") in _SIMPLE:
        return "list", _SIMPLE[schema["items"]["type"]]
    return _SIMPLE.get(cast("str", kind), "yaml"), "text"


def _default(schema: Schema, nullable: bool) -> Any:
    if "default" in schema:
        return schema["default"]
    if schema.get("type") == "object":
        return {}
    return None if nullable else NOTHING


def _placeholder(place: _Place, default: Any, absence: str) -> str:
    if place.required:
        return ""
    if default is NOTHING or default is None or default in ([], {}, ""):
        return "" if absence == "none" and default in ({}, "") else absence
    return ", ".join(map(str, default)) if isinstance(default, list) else f"{default}"


def _limits(schema: Schema, kind: Kind) -> str:
    """The bounds of a number, in words."""
    if kind not in ("integer", "number"):
        return ""
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None and high >= _HIGH:
        high = None
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    parts = (
        "" if low is None else f"{low:g} or more",
        "" if above is None else f"more than {above:g}",
        "" if high is None else f"at most {high:g}",
        "" if below is None else f"less than {below:g}",
    )
    return ", ".join(filter(None, parts))


def _none(kind: Kind) -> str:
    return "null for none" if kind in ("integer", "number", "list") else ""


def _joined(*parts: str) -> Markup:
    return Markup(" · ").join(part for part in parts if part)


def _help(path: str, schema: Schema) -> Markup:
    told = layout.words(layout.HELP, path)
    return _prose(schema.get("description", "") if told is None else told)


def _first(text: str) -> str:
    """A docstring's first paragraph."""
    return " ".join(text.partition("\n\n")[0].split())


def _prose(text: str) -> Markup:
    """A description, its backticks as code."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(html)  # noqa: S704  # nosec B704  # what it is made of was escaped
