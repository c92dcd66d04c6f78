"""Files of a run: whole or absent under their names, and published by its context."""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frs_core.context import RunContext


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_json(context: "RunContext", name: str, value: Any) -> None:
    """Write a value as JSON under its name in the work folder and publish it as an artifact."""
    save_text(context, name, json.dumps(value), "application/json")


def save_text(context: "RunContext", name: str, text: str, media_type: str) -> None:
    """Write a text under its name in the work folder and publish it as an artifact."""
    save_bytes(context, name, text.encode(), media_type)


def save_bytes(context: "RunContext", name: str, content: bytes, media_type: str) -> None:
    """Write bytes under their name in the work folder, which may be in a folder, and publish the artifact."""
    path = context.workdir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    temporary.write_bytes(content)
    context.artifact(name, publish(temporary, path), media_type)


def publish(temporary: Path, final: Path) -> Path:
    """Give a finished file its final name: synced, then renamed, so that it is whole or absent."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return final
