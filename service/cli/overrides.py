"""`--set schedule.epochs=24` and `--seeds 0-4`: what the command line puts in place of a file's own values.

>>> seeds_in("0-2,7")
[0, 1, 2, 7]
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import typer

from frs_core.errors import SpecError
from frs_core.yaml_file import parse_value

MAX_SEEDS = 100
_SEEDS = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?")
Schema = Mapping[str, Any]


def with_overrides(content: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """The content with each KEY=VALUE in place; values are YAML, a number in a key counts items from 0.

    Raises typer.BadParameter naming a key that no experiment has, and the nearest one that it may have.
    """
    changed: dict[str, Any] = deepcopy(dict(content))
    schema = _schema() if assignments else {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        path = key.split(".")
        if not equals or not all(path):
            raise _fault(assignment, "give KEY=VALUE, for instance schedule.epochs=24")
        _put(changed, path, _value(assignment, text), assignment, schema)
    return changed


def seeds_in(text: str) -> list[int]:
    """Seeds as 0,1,2 or 0-4 or both. Raises typer.BadParameter."""
    seeds: list[int] = []
    for part in text.split(","):
        match = _SEEDS.fullmatch(part.strip())
        if match is None:
            raise typer.BadParameter(f"--seeds {text}: {part.strip()!r} is no seed; give 0,1,2 or 0-4")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= MAX_SEEDS:
            raise typer.BadParameter(f"--seeds {text}: {part.strip()} must rise, by fewer than {MAX_SEEDS}")
        seeds += range(first, last + 1)
    return seeds


def _value(assignment: str, text: str) -> Any:
    try:
        return parse_value(text, "the value", "experiment")[0]
    except SpecError as error:
        raise _fault(assignment, str(error)) from error


def _put(root: dict[str, Any], path: Sequence[str], value: Any, assignment: str, schema: Schema) -> None:
    place: Any = root
    places = [schema]
    for depth, key in enumerate(path):
        here = ".".join(path[:depth])
        index = _index(place, key, here, assignment) if isinstance(place, list) else key
        places = _inside(places, schema, key, here, assignment)
        if depth == len(path) - 1:
            place[index] = value
            return
        place = _opened(place, index, ".".join(path[: depth + 1]), assignment)


def _opened(place: Any, index: Any, here: str, assignment: str) -> Any:
    """What is inside: a mapping or a list, made where nothing is. A method's bare name is its `name`."""
    inner = place[index] if isinstance(place, list) else place.get(index)
    if inner is None:
        inner = {}
    elif isinstance(inner, str) and isinstance(place, list):
        inner = {"name": inner}
    elif not isinstance(inner, dict | list):
        raise _fault(assignment, f"{here} is {inner!r}, which has no parts")
    place[index] = inner
    return inner


def _index(place: list[Any], key: str, here: str, assignment: str) -> int:
    if not key.isdigit() or int(key) >= len(place):
        last = f"0 to {len(place) - 1}" if place else "none: the list is empty"
        raise _fault(assignment, f"{here} is a list of {len(place)}: {key!r} is no item of it; give {last}")
    return int(key)


def _schema() -> Schema:
    """Of an experiment; empty where what it is made of is not installed: then the server judges the keys."""
    try:
        from frs_core.spec import ExperimentSpec
    except ImportError:
        return {}
    return ExperimentSpec.model_json_schema()


def _inside(places: Sequence[Schema], root: Schema, key: str, here: str, assignment: str) -> list[Schema]:
    """What may stand at `key`; nothing where the schema leaves it open, and then all below is open too."""
    options = [option for place in places for option in _resolved(place, root)]
    objects = [option for option in options if "properties" in option]
    if not objects or any(option.get("additionalProperties") not in (None, False) for option in options):
        return [option["items"] for option in options if isinstance(option.get("items"), Mapping)]
    if key.isdigit():
        return [option["items"] for option in options if isinstance(option.get("items"), Mapping)]
    known = sorted({name for option in objects for name in option["properties"]})
    if key not in known:
        raise _fault(assignment, _unknown(key, here, known))
    return [option["properties"][key] for option in objects if key in option["properties"]]


def _resolved(place: Schema, root: Schema) -> Iterable[Schema]:
    """The alternatives behind references and unions."""
    if "$ref" in place:
        name = str(place["$ref"]).rpartition("/")[2]
        yield from _resolved(root["$defs"][name], root)
    for union in ("anyOf", "oneOf", "allOf"):
        for option in place.get(union, ()):
            yield from _resolved(option, root)
    if "type" in place or "properties" in place:
        yield place


def _unknown(key: str, here: str, known: Sequence[str]) -> str:
    place = f"{here} has" if here else "an experiment has"
    near = difflib.get_close_matches(key, known, n=1)
    prefix = f"{here}." if here else ""
    remedy = f"did you mean {prefix}{near[0]}?" if near else f"it has {', '.join(known)}"
    return f"{place} no {key!r}; {remedy}"


def _fault(assignment: str, message: str) -> typer.BadParameter:
    return typer.BadParameter(f"--set {assignment}: {message}")
