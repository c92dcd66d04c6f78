"""In which settings specifications differ: what a reader must see before comparing their results."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = "–"
_NAMES = frozenset({"name", "label", "tags", "submitted_by", "schema_version", "reuse"})
"""What changes nothing of a result."""


@dataclass(frozen=True)
class Difference:
    """A setting by its dotted path, and its value in each specification, in their order."""

    path: str
    values: tuple[str, ...]


def differences(specs: Sequence[Mapping[str, Any]], *, seeds: bool = True) -> tuple[Difference, ...]:
    """The settings that are not the same in all; without `seeds`, a seed is none of them.

    >>> differences([{"schedule": {"epochs": 8, "lr": 1}}, {"schedule": {"epochs": 6, "lr": 1}}])
    (Difference(path='schedule.epochs', values=('8', '6')),)
    """
    flat = [dict(leaves(spec)) for spec in specs]
    paths = dict.fromkeys(path for each in flat for path in each)
    found = (Difference(path, tuple(each.get(path, ABSENT) for each in flat)) for path in paths)
    return tuple(
        each
        for each in found
        if len(set(each.values)) > 1
        and each.path not in _NAMES
        and not each.path.endswith(".label")
        and (seeds or each.path != "seed")
    )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every setting with its value as JSON; a list is one value. What is not set is left out."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from leaves(child, f"{path}.{key}" if path else str(key))
    elif value is not None:
        yield path, json.dumps(value, ensure_ascii=False)


def short(value: str) -> str:
    """A setting's value as a table shows it.

    >>> short('"frs"'), short("x" * 70)[-1]
    ('frs', '…')
    """
    plain = str(json.loads(value)) if value.startswith('"') else value
    return plain if len(plain) <= 60 else f"{plain[:59]}…"
