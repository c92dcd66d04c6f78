"""Fetches a file of weights: from the mirror folder, else by https from a host that is allowed.

The host is looked up once for each connection, which then goes to an address that was judged: another answer
of the name server in between leads nowhere. Behind a proxy, that is what looks hosts up, and guards.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from frs_core.errors import CheckpointError, FrsError, Stopped
from frs_core.files import file_sha256, publish
from frs_core.weights.pinned import send_pinned
from frs_core.weights.reference import Address, check_host, host_of
from frs_core.weights.sources import WeightsSources

MAX_BYTES = 4 * 2**30
"""Of one file; the zoo's largest has under one GiB."""

MAX_SECONDS = 3600.0
"""For one file, however it trickles."""

_MAX_REDIRECTS = 5
_CHUNK_BYTES = 2**20
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
_NO_WAY_THERE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class InterruptedDownloadError(FrsError):
    """A download that began and broke off: another attempt may succeed."""


def fetch(address: Address, sources: WeightsSources, *, should_stop: Callable[[], bool]) -> Path:
    """The file, its hash checked against the digits in its name; whole or absent under its name.

    Raises CheckpointError, saying where it was looked for, InterruptedDownloadError, and Stopped.
    """
    places = _places(address, sources.mirror)
    for place in places:
        if place.is_file():
            _check_hash(address, file_sha256(place), str(place))
            return place
    try:
        check_host(address.host, sources.hosts)
        return _download(address, places[0], sources, should_stop)
    except CheckpointError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        if _may_pass(error):
            raise InterruptedDownloadError(f"{address.url}: {_text(error)}") from error
        raise CheckpointError(
            f"{address.url} could not be downloaded ({_text(error)}), nor is it in the mirror folder: "
            f"download it elsewhere and place it at {' or '.join(map(str, places))}",
            field="checkpoint",
        ) from error


def _places(address: Address, mirror: Path) -> list[Path]:
    """Where a mirror may have it. A bare name is enough only where its hash tells it from all others."""
    placed = mirror / address.host / address.path
    return [placed] if address.sha256_prefix is None else [placed, mirror / address.path.name]


def _download(
    address: Address, place: Path, sources: WeightsSources, should_stop: Callable[[], bool]
) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".partial", dir=place.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, _opened(address.url, sources) as response:
            digest, received, deadline = hashlib.sha256(), 0, time.monotonic() + MAX_SECONDS
            if int(response.headers.get("Content-Length", "0")) > MAX_BYTES:
                raise CheckpointError(_too_large(address), field="checkpoint")
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                received += len(chunk)
                if received > MAX_BYTES:
                    raise CheckpointError(_too_large(address), field="checkpoint")
                if time.monotonic() > deadline:
                    raise CheckpointError(_too_slow(address), field="checkpoint")
                if should_stop():
                    raise Stopped(f"stopped while {address.url} was downloaded")
                digest.update(chunk)
                file.write(chunk)
        _check_hash(address, digest.hexdigest(), address.url)
        partial.chmod(0o644)
        return publish(partial, place)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _opened(url: str, sources: WeightsSources) -> Iterator[httpx.Response]:
    """The answer at the end of redirects, none of which leaves https and the allowed hosts."""
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client:
        for _ in range(_MAX_REDIRECTS + 1):
            with _answer(client, url, sources) as response:
                if not response.has_redirect_location:
                    response.raise_for_status()
                    yield response
                    return
                url = urljoin(url, response.headers["Location"])
            if urlsplit(url).scheme != "https":
                raise ValueError(f"it redirects to {urlsplit(url).scheme}://, and only https is followed")
            check_host(host_of(url), sources.hosts)
        raise ValueError(f"it redirects more than {_MAX_REDIRECTS} times")


@contextmanager
def _answer(client: httpx.Client, url: str, sources: WeightsSources) -> Iterator[httpx.Response]:
    """What the host of an address answers at one that it has now; its certificate must be the host's."""
    private = host_of(url) in sources.private_hosts
    request = client.build_request("GET", url, headers={"Accept-Encoding": "identity"})
    with closing(send_pinned(client, request, private=private)) as response:
        yield response


def _may_pass(error: Exception) -> bool:
    """Whether this is a fault of the moment."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.TransportError) and not isinstance(error, _NO_WAY_THERE)


def _text(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return str(error) or type(error).__name__


def _too_large(address: Address) -> str:
    return f"{address.url} has more than {MAX_BYTES} bytes: it is no detector's weights"


def _too_slow(address: Address) -> str:
    return f"{address.url} took more than {MAX_SECONDS:g} s: place the file in the mirror folder instead"


def _check_hash(address: Address, sha256: str, where: str) -> None:
    if address.sha256_prefix is not None and not sha256.startswith(address.sha256_prefix):
        raise CheckpointError(
            f"{where} has the SHA-256 {sha256}, but by its name it must begin with {address.sha256_prefix}: "
            "the file is damaged or another one; delete it and get it again",
            field="checkpoint",
        )
