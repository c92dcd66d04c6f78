"""Where checkpoints and other files are kept. One file per store; its schemes choose it."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from urllib.parse import urlsplit

from service.artifacts.base import (
    ArtifactError,
    ArtifactMissingError,
    ArtifactStore,
    HashMismatchError,
    InvalidKeyError,
    object_key,
    remove_unnamed,
)

__all__ = [
    "ArtifactError",
    "ArtifactMissingError",
    "ArtifactStore",
    "HashMismatchError",
    "InvalidKeyError",
    "object_key",
    "open_store",
    "remove_unnamed",
    "schemes",
]


def schemes() -> dict[str, ModuleType]:
    """The stores there are, by the scheme of their address."""
    return {scheme: module for module in _stores() for scheme in module.SCHEMES}


def _stores() -> Iterator[ModuleType]:
    """One after the other: a client of a far store takes its time to load, and is not always needed."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != "base":
            yield import_module(f"{__name__}.{module.name}")


def open_store(url: str) -> ArtifactStore:
    """The store at an address such as `file:///srv/frs/artifacts` or `s3://bucket?endpoint=https://host`.

    Raises ArtifactError for an unknown scheme.
    """
    scheme = urlsplit(url).scheme
    for module in _stores():
        if scheme in module.SCHEMES:
            store: ArtifactStore = module.open_url(url)
            return store
    raise ArtifactError(
        f"artifacts_url is of the scheme {scheme!r}: it must be one of {', '.join(sorted(schemes()))}"
    )
