"""What a browser sends of the form, by name, and the specification as plain data, each made of the other."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from frs_core import methods
from frs_core.errors import SpecError
from service.api.problems import FieldFault, fault
from service.dashboard.spec_form.nodes import NOTHING, Field, Group, Node, key_of
from service.dashboard.spec_form.schema import experiment_form
from service.dashboard.spec_form.texts import from_text, from_yaml, to_text, to_yaml

Values = Mapping[str, Sequence[str]]
"""Texts by name, as `parse_qs` gives them."""

ROWS = "methods.rows"
"""The name of the field for methods that a box cannot say."""

GIVEN, NONE = "given", "none"
_FIRST = ("none", "frs")


class Reading(NamedTuple):
    """What was read: plain data without what need not be said, and the texts that could not be read."""

    plain: dict[str, Any]
    faults: tuple[FieldFault, ...]


def boxes() -> tuple[str, ...]:
    """The methods in the order of their boxes: the baseline and FRS first."""
    return (*_FIRST, *(name for name in methods.names() if name not in _FIRST))


def read(values: Values) -> Reading:
    """The specification that the form's values say."""
    faults: list[FieldFault] = []
    plain = {"schema_version": 1, **_read_nodes(experiment_form().nodes, values, faults)}
    return Reading(plain, tuple(faults))


def fill(plain: Mapping[str, Any]) -> dict[str, list[str]]:
    """The form's values for a specification; empty where the default will do."""
    return _filled(experiment_form().nodes, plain)


def text_of(values: Values, name: str) -> str:
    """The last text of that name: a box that is ticked comes after the hidden field that says it is not."""
    return next(reversed(values.get(name, ())), "")


def num_ticked(values: Values) -> int:
    """How many methods are chosen by their boxes; they come first."""
    return len(_ticked(values))


def _ticked(values: Values) -> list[str]:
    chosen = values.get("methods", ())
    unknown = [name for name in dict.fromkeys(chosen) if name not in boxes()]
    return [*(name for name in boxes() if name in chosen), *unknown]


def _read_nodes(nodes: Sequence[Node], values: Values, faults: list[FieldFault]) -> dict[str, Any]:
    found = ((node, _read_node(node, values, faults)) for node in nodes)
    return {key_of(node): value for node, value in found if value is not NOTHING}


def _read_node(node: Node, values: Values, faults: list[FieldFault]) -> Any:
    if isinstance(node, Group):
        return _read_group(node, values, faults)
    if node.kind == "methods":
        return _read_methods(values, faults)
    try:
        return from_text(node, text_of(values, node.path))
    except SpecError as error:
        faults.append(fault(node.path, str(error)))
        return NOTHING


def _read_group(group: Group, values: Values, faults: list[FieldFault]) -> Any:
    if group.presence == "union":
        return _read_union(group, values, faults)
    if group.presence in ("optional", "inherited"):
        said = text_of(values, group.path)
        if said != GIVEN:
            return None if said == NONE else NOTHING
    content = _read_nodes(group.nodes, values, faults)
    if group.presence == "pair":
        if not content:
            return NOTHING
        return [content.get(key_of(node)) for node in group.nodes]
    is_needed = content or group.required or group.presence != "always"
    return content if is_needed else NOTHING


def _read_union(group: Group, values: Values, faults: list[FieldFault]) -> Any:
    """Only what the chosen type has; the other fields are not shown."""
    tag, *others = group.nodes
    chosen = text_of(values, tag.path)
    if not chosen:
        return NOTHING
    fields = [node for node in others if isinstance(node, Field) and chosen in node.of]
    content = _read_nodes(fields, values, faults)
    kept = {
        key_of(node): content[key_of(node)]
        for node in fields
        if key_of(node) in content and content[key_of(node)] != node.of[chosen]
    }
    return {key_of(tag): chosen, **kept}


def _read_methods(values: Values, faults: list[FieldFault]) -> Any:
    ticked: list[Any] = list(_ticked(values))
    text = text_of(values, ROWS)
    try:
        rows = from_yaml(text, "The list of rows") if text.strip() else []
    except SpecError as error:
        faults.append(fault(ROWS, str(error)))
        return NOTHING
    if not isinstance(rows, list):
        message = "give a list: each row on a line that begins with a dash, as in `- {name: frs, weight: 2}`"
        faults.append(fault(ROWS, message))
        return NOTHING
    return [*ticked, *rows] or NOTHING


def _filled(nodes: Sequence[Node], plain: Mapping[str, Any]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for node in nodes:
        value = plain.get(key_of(node), NOTHING)
        if isinstance(node, Group):
            values |= _filled_group(node, value)
        elif node.kind == "methods":
            values |= _filled_methods([] if value is NOTHING else value)
        else:
            values[node.path] = [to_text(node, value)]
    return values


def _filled_group(group: Group, value: Any) -> dict[str, list[str]]:
    if group.presence == "pair":
        value = dict(zip(("0", "1"), value, strict=False)) if isinstance(value, list | tuple) else {}
    content = value if isinstance(value, Mapping) else {}
    values = _filled(group.nodes, content)
    if group.presence == "inherited":
        values[group.path] = ["" if value is NOTHING else NONE if value is None else GIVEN]
    elif group.presence == "optional":
        values[group.path] = [GIVEN] if isinstance(value, Mapping) else []
    return values


def _filled_methods(rows: Sequence[Any]) -> dict[str, list[str]]:
    """Boxes for as many of the first rows as come in their order, YAML for the others: the order is kept."""
    plain = [_shortened(row) for row in rows]
    order = boxes()
    ticked: list[str] = []
    for row in plain:
        is_next = row in order and (not ticked or order.index(row) > order.index(ticked[-1]))
        if not is_next:
            break
        ticked.append(row)
    others = plain[len(ticked) :]
    return {"methods": ticked, ROWS: [_rows_text(others)] if others else [""]}


def _rows_text(rows: Sequence[Any]) -> str:
    """A line for each that fits on one."""
    texts = (to_yaml([row]) if isinstance(row, Mapping) else f"- {to_yaml([row])[1:-2]}\n" for row in rows)
    return "".join(texts).rstrip("\n")


_ROW_DEFAULTS: Mapping[str, Any] = {
    **{"label": None, "init": "scratch", "weight": 1, "options": {}},
    **{"combine": [], "search": None, "reuse": None},
}


def _shortened(row: Any) -> Any:
    """A row without what need not be said; of one that has only a name, the name."""
    if not isinstance(row, Mapping):
        return row
    short = {key: value for key, value in row.items() if _ROW_DEFAULTS.get(key, NOTHING) != value}
    if "combine" in short:
        short["combine"] = [_shortened(part) for part in short["combine"]]
        if isinstance(short.get("name"), str) and "+" in short["name"]:
            del short["name"]
    return short["name"] if short.keys() == {"name"} else short
