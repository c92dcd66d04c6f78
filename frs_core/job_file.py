"""Reads the file of one job that is run without a service."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from frs_core.errors import SpecError
from frs_core.spec.kinds import AnyJobSpec, read_spec
from frs_core.weights.reference import ZOO, is_address
from frs_core.yaml_file import read_yaml


def read_job(path: Path) -> AnyJobSpec:
    """The job, its relative paths taken from its folder. Raises SpecError with a line for each fault."""
    content = read_yaml(path, "job").content
    folder = path.absolute().parent
    for key in ("checkpoint", "onnx", "path", "predictions"):
        content = _absolute(content, key, folder)
    for part, key in (("dataset", "root"), ("teacher", "checkpoint")):
        if isinstance(content.get(part), dict):
            content = content | {part: _absolute(content[part], key, folder)}
    try:
        return read_spec(content)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise SpecError("\n  ".join([f"{path} is not a valid job", *map(_line, faults)])) from error


def _absolute(content: dict[str, Any], key: str, folder: Path) -> dict[str, Any]:
    value = content.get(key)
    if not isinstance(value, str) or not value or value == ZOO or is_address(value):
        return content
    return content | {key: str((folder / Path(value).expanduser()).resolve())}


def _line(fault: Any) -> str:
    field = ".".join(map(str, fault["loc"])) or "(top level)"
    remedies = {"extra_forbidden": "unknown key; correct its spelling or remove it", "missing": "is required"}
    message = remedies.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    given = fault["input"]
    value = f"; got {given!r}"[:200] if isinstance(given, str | int | float) else ""
    return f"{field}: {message}{value}"
