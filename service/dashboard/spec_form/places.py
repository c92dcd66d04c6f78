"""Where on the page a fault of the specification is shown."""

from functools import cache
from typing import NamedTuple

from service.dashboard.spec_form.schema import sections
from service.dashboard.spec_form.values import ROWS

YAML_TEXT = "yaml-text"
"""The id of the field in which a whole specification is written."""


class Place(NamedTuple):
    """The element's id, and what remains of the field's place within it."""

    id: str
    rest: str


def place_of(field: str, num_ticked: int) -> Place:
    """The element nearest to a dotted field; of the methods the first `num_ticked` have boxes.

    >>> place_of("dataset.options.classes", 0)
    Place(id='field-dataset.options', rest='classes')
    >>> place_of("methods.2.options.weight", 2)
    Place(id='field-methods.rows', rest='row 1, options.weight')
    """
    parts = field.split(".")
    if parts[0] == "methods":
        return _method_place(parts[1:], num_ticked)
    for length in range(len(parts), 0, -1):
        path = ".".join(parts[:length])
        if path in _paths():
            return Place(f"field-{path}", ".".join(parts[length:]))
    return Place("editor", field)


def _method_place(parts: list[str], num_ticked: int) -> Place:
    if parts == ["rows"]:
        return Place(f"field-{ROWS}", "")
    if not parts or not parts[0].isdigit() or int(parts[0]) < num_ticked:
        return Place("field-methods", ".".join(parts[1:]))
    row = f"row {int(parts[0]) - num_ticked + 1}"
    return Place(f"field-{ROWS}", ", ".join((row, ".".join(parts[1:]))) if parts[1:] else row)


@cache
def _paths() -> frozenset[str]:
    """Of all elements; a part that is a whole section has none of its own."""
    return frozenset(node.path for _, group in sections() for node in group.walk())
