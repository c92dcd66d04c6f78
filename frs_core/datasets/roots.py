"""The folders that data may lie in, where a deployment names them; links are followed to their ends."""

import os
from collections.abc import Iterator, Sequence
from os.path import normpath
from pathlib import Path, PurePath

MAX_EXAMPLES = 5


def outside(root: str, roots: Sequence[Path]) -> bool:
    """Whether a folder is in none of the roots, all links followed. Without roots nothing is."""
    return bool(roots) and not _is_within(root, _resolved(roots))


def named_outside(path: str, roots: Sequence[Path]) -> bool:
    """As `outside`, by the spelling alone: for who does not see what is there."""
    place = PurePath(normpath(path))
    return bool(roots) and not any(place.is_relative_to(root) for root in roots)


def escaping_entries(folder: str, roots: Sequence[Path]) -> list[str]:
    """As `escaping_links`, of what lies in the folder itself, not deeper."""
    if not roots:
        return []
    resolved = _resolved(roots)
    with os.scandir(folder) as entries:
        found = sorted(
            entry.name for entry in entries if entry.is_symlink() and not _is_within(entry.path, resolved)
        )
    return found[:MAX_EXAMPLES]


def escaping_links(root: str, roots: Sequence[Path]) -> list[str]:
    """The first links of a folder whose targets are in none of the roots; nothing without roots."""
    if not roots:
        return []
    found = []
    for path in _escaping(root, _resolved(roots)):
        found.append(os.path.relpath(path, root))
        if len(found) == MAX_EXAMPLES:
            break
    return found


def _escaping(root: str, roots: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    left = [root]
    while left:
        folder = os.path.realpath(left.pop())
        if folder in seen:
            continue
        seen.add(folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink() and not _is_within(entry.path, roots):
                    yield entry.path
                elif entry.is_dir():
                    left.append(entry.path)


def _resolved(roots: Sequence[Path]) -> list[str]:
    return [os.path.realpath(root) for root in roots]


def _is_within(path: str, roots: Sequence[str]) -> bool:
    real = os.path.realpath(path)
    return any(real == root or real.startswith(root.rstrip("/") + "/") for root in roots)
