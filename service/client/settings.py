"""Where a client finds its server and its key: arguments, then `FRS_*`, then `frs.toml`, then `frs up`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.client import settings_file
from service.client.errors import SettingsError
from service.client.local_key import local_key

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_DATA_DIR = "data"
DEFAULT_TIMEOUT_SECONDS = 30.0
URL_RECORD = Path("run") / "url"
"""In the data folder of a system that `frs up` started: its address."""

SECRET = "api_key"  # noqa: S105  # nosec B105  # the name of a setting
_ENVIRONMENT = {name: f"FRS_{name.upper()}" for name in (SECRET, *settings_file.KEYS)}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A setting and where it comes from; `value` is None where nothing says it."""

    value: Any
    source: str

    @property
    def text(self) -> str:
        """The value as text, empty for None."""
        return "" if self.value is None else str(self.value)


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """What was found, by name; `file` is the frs.toml that was read."""

    found: Mapping[str, Found]
    file: Path | None

    def __getitem__(self, name: str) -> Found:
        return self.found[name]

    @property
    def url(self) -> Found:
        """The server."""
        return self.found["url"]

    @property
    def api_key(self) -> Found:
        """The key; its value is None where there is none."""
        return self.found[SECRET]

    @property
    def timeout_seconds(self) -> float:
        """How long the server may take to answer."""
        return float(self.found["timeout_seconds"].value)


def read_settings(
    *,
    url: str | None = None,
    api_key: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> ClientSettings:
    """The settings as seen from a folder, the current one by default. Raises SettingsError.

    The key that `frs up` recorded is given to the system that it started and to no other address.
    """
    file = settings_file.find(folder or Path.cwd())
    in_file = settings_file.read(file) if file is not None else {}
    found = {name: _setting(name, in_file, file, environment) for name in settings_file.KEYS}
    found["data_dir"] = _or_default(found["data_dir"], DEFAULT_DATA_DIR)
    found["timeout_seconds"] = _or_default(found["timeout_seconds"], DEFAULT_TIMEOUT_SECONDS)
    recorded = _recorded(Path(found["data_dir"].text) / URL_RECORD)
    if url:
        found["url"] = Found(value=url, source="--url or FRS_URL")
    elif found["url"].value is None:
        found["url"] = recorded or Found(value=DEFAULT_URL, source="the default")
    found[SECRET] = _key(api_key, found, environment)
    return ClientSettings(found=found, file=file)


def _setting(
    name: str, in_file: Mapping[str, Any], file: Path | None, environment: Mapping[str, str]
) -> Found:
    variable = _ENVIRONMENT[name]
    if environment.get(variable):
        return Found(value=_typed(name, environment[variable]), source=variable)
    return Found(value=in_file.get(name), source=str(file) if name in in_file else "not set")


def _typed(name: str, text: str) -> Any:
    """A variable's value, checked as one of the file is. Raises SettingsError."""
    value: Any = text
    if name in ("port", "timeout_seconds"):
        try:
            value = int(text) if name == "port" else float(text)
        except ValueError:
            value = text
    fault = settings_file.KEYS[name].fault(value)
    if fault is not None:
        raise SettingsError(f"{_ENVIRONMENT[name]} is {text!r}: {fault}")
    return value


def _or_default(found: Found, default: Any) -> Found:
    return Found(value=default, source="the default") if found.value is None else found


def _recorded(path: Path) -> Found | None:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return Found(value=text, source=str(path)) if text else None


def _key(given: str | None, found: Mapping[str, Found], environment: Mapping[str, str]) -> Found:
    if given:
        return Found(value=given, source="an argument")
    if environment.get("FRS_API_KEY"):
        return Found(value=environment["FRS_API_KEY"], source="FRS_API_KEY")
    named = found["api_key_file"]
    if named.value is not None:
        recorded = _recorded(Path(named.text).expanduser())
        if recorded is None:
            raise SettingsError(f"api_key_file (from {named.source}) names {named.text}, which holds no key")
        return recorded
    own = local_key(Path(found["data_dir"].text), found["url"].text)
    return Found(value=own, source="not set" if own is None else "the system that `frs up` started here")
