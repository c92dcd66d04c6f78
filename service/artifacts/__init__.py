"""Where checkpoints and other files are kept. One file per store; its schemes choose it."""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType
from urllib.parse import urlsplit

from service.artifacts.base import (
    ArtifactError,
    ArtifactMissingError,
    ArtifactStore,
    HashMismatchError,
    InvalidKeyError,
)

__all__ = [
    "ArtifactError",
    "ArtifactMissingError",
    "ArtifactStore",
    "HashMismatchError",
    "InvalidKeyError",
    "open_store",
    "schemes",
]


@cache
def schemes() -> dict[str, ModuleType]:
    """The stores there are, by the scheme of their address."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name != "base"]
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return {scheme: module for module in modules for scheme in module.SCHEMES}


def open_store(url: str) -> ArtifactStore:
    """The store at an address such as `file:///srv/frs/artifacts`.

    Raises ArtifactError for an unknown scheme.
    """
    module = schemes().get(urlsplit(url).scheme)
    if module is None:
        raise ArtifactError(
            f"artifacts_url is {url}: its scheme must be one of {', '.join(sorted(schemes()))}"
        )
    store: ArtifactStore = module.open_url(url)
    return store
