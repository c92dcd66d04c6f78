"""How weights are named: a path, the id of a stored checkpoint, an https address, or `zoo`."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

ZOO = "zoo"
"""The weights that the package's metadata publishes for the detector's configuration."""

EXTENSIONS = (".pth", ".pt", ".safetensors")

DEFAULT_HOSTS = ("download.openmmlab.com", "download.pytorch.org", "mmassets.onedl.ai")
"""Those that mmdet's and mmengine's own metadata name for detectors and backbones."""

_PART = re.compile(r"[A-Za-z0-9_+=@~-][A-Za-z0-9._+=@~-]*", re.ASCII)
_HASHED_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+$", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Address:
    """A file on an https host. `host` has a port where it is not 443.

    `sha256_prefix` are the first digits of the file's SHA-256 where its name ends in them, as the names of
    OpenMMLab and torchvision do; None where it does not.
    """

    url: str
    host: str
    path: PurePosixPath
    sha256_prefix: str | None


def is_address(reference: str) -> bool:
    """Whether this is meant as an address."""
    return "://" in reference


def parse_address(reference: str) -> Address:
    """The address; ValueError where it is not https, or holds more than host and path.

    >>> parse_address("https://download.openmmlab.com/a/retinanet-c2c2f8fa.pth").sha256_prefix
    'c2c2f8fa'
    """
    parts = urlsplit(reference)  # ValueError for a host or port that is none
    if parts.scheme != "https":
        raise ValueError(f"weights are fetched by https only, not {parts.scheme or 'that'}://")
    if parts.username is not None or parts.query or parts.fragment or not parts.hostname:
        raise ValueError("give https://HOST/PATH, without user, query or fragment")
    path = PurePosixPath(parts.path.removeprefix("/"))
    if not path.parts or not all(_PART.fullmatch(part) for part in parts.path.split("/")[1:]):
        raise ValueError("the address's path may hold letters, digits and . _ + = @ ~ - only")
    if path.suffix not in EXTENSIONS:
        raise ValueError(f"weights are files whose names end in {', '.join(EXTENSIONS)}")
    digits = _HASHED_NAME.search(path.name)
    return Address(
        url=reference,
        host=host_of(reference),
        path=path,
        sha256_prefix=digits[1] if digits else None,
    )


def host_of(url: str) -> str:
    """Its host, with the port where that is not 443. ValueError where there is none."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("the address names no host")
    return parts.hostname if parts.port in (None, 443) else f"{parts.hostname}:{parts.port}"


def check_host(host: str, allowed: Collection[str]) -> None:
    """Raises ValueError unless weights may be fetched from this host."""
    if host not in allowed:
        known = ", ".join(sorted(allowed)) or "none"
        raise ValueError(
            f"weights may not be fetched from {host} (allowed: {known}): download the file and give its "
            "path, or have the operator add the host to FRS_WEIGHTS_HOSTS"
        )


def _check_reference(value: str) -> str:
    if is_address(value):
        parse_address(value)
    if "\0" in value:
        raise ValueError("a path cannot hold a null byte")
    return value


Reference = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_check_reference)]
"""A path, the id of a stored checkpoint, an https address, or `zoo`."""
