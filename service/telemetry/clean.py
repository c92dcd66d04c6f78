"""Makes what is logged harmless: secrets leave it, and no value can pass for a line or move a cursor."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
MAX_TEXT = 20_000
MAX_DEPTH = 6

_SECRET_NAMES = re.compile(
    r"authorization|cookie|passw|secret|credential|api_?key|access_?key|private_?key|signature|^token$|_token$",
    re.IGNORECASE,
)
_SECRETS = (
    # Keys of the API keep their prefix and public id, by which a person finds them.
    (re.compile(r"\b(frs_[0-9A-Za-z]{4,64})_[0-9A-Za-z_-]{8,}"), rf"\1_{REDACTED}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(?i)\b([a-z][\w+.-]*://[^\s:/?#@'\"]*):[^\s/?#'\"]+@"), rf"\1:{REDACTED}@"),
    (
        re.compile(
            r"(?i)\b((?:[\w-]*(?:password|passwd|secret|access_key|api_?key|signature|credential)|token)"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s&\"',;)\]}]+"
        ),
        rf"\1{REDACTED}",
    ),
)
_UNSAFE = {"Cc", "Cf", "Zl", "Zp", "Cs"}
"""Controls (C0, C1, ESC, newlines), formats (bidi overrides, zero width), separators of lines, surrogates."""


def redacted(text: str) -> str:
    """The text without keys, bearer credentials and passwords.

    >>> redacted("postgresql://frs:hunter2@db/frs")
    'postgresql://frs:[redacted]@db/frs'
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def harmless(text: str, *, keep: str = "") -> str:
    r"""The text with everything that could forge a line, move a cursor or turn letters round spelled out.

    >>> harmless("done\n\x1b[2K")
    'done\\n\\x1b[2K'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each if each in keep or unicodedata.category(each) not in _UNSAFE else _spelled(each) for each in text
    )


def clean_event(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The processor of all log lines. A traceback keeps its own line breaks; its lines are then indented."""
    cleaned = {harmless(str(name))[:200]: _cleaned(str(name), value, 0) for name, value in event.items()}
    for name in ("exception", "stack"):
        if isinstance(value := event.get(name), str):
            lines = (harmless(line, keep="\t") for line in redacted(_shortened(value)).split("\n"))
            cleaned[name] = "\n".join(lines)
    return cleaned


def _cleaned(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAMES.search(name):
        return REDACTED
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {harmless(str(key)): _cleaned(str(key), item, depth + 1) for key, item in value.items()}
    if depth < MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [_cleaned("", item, depth + 1) for item in value]
    return harmless(redacted(_shortened(value if isinstance(value, str) else str(value))))


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text)} characters)"


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
