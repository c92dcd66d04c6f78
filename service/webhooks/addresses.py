"""Where webhooks may lead: to https on the public internet, and to hosts that the operator named."""

from collections.abc import Collection
from urllib.parse import urlsplit

import httpx

from frs_core.weights.addresses import Resolve, look_up, reachable

MAX_LENGTH = 2000
REMEDY = "webhooks go there only if the operator names the host in FRS_WEBHOOK_PRIVATE_HOSTS"


def host_of(url: str) -> str:
    """The host that an address names, with its port where it has one. ValueError where it names none."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("give https://HOST/PATH")
    host = parts.hostname.lower().removesuffix(".")
    return host if parts.port is None else f"{host}:{parts.port}"


def is_private(url: str, private_hosts: Collection[str]) -> bool:
    """Whether the operator allows the address's host http, and a network of one's own."""
    host = host_of(url)
    return host in private_hosts or host.partition(":")[0] in private_hosts


def check_address(url: str, private_hosts: Collection[str], *, resolve: Resolve = look_up) -> str:
    """The host of an address that may be a webhook's. Raises ValueError.

    What a name means is judged anew whenever something is sent there; one that means nothing now is accepted.
    """
    if len(url) > MAX_LENGTH or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError(f"give an address of at most {MAX_LENGTH} plain characters, others spelled as %XX")
    try:
        parts, parsed = urlsplit(url), httpx.URL(url)
        host, port = host_of(url), parsed.port
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ValueError(f"this is no address: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address with a user or password is refused: who asks is proved by the signature")
    if parts.fragment:
        raise ValueError("what follows # is never sent: leave it out")
    private = is_private(url, private_hosts)
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise ValueError("give https://, so that nobody on the way can read or change what is sent")
    assert parsed.host
    try:
        reachable(parsed.host, port or 443, private=private, resolve=resolve, remedy=REMEDY)
    except (OSError, UnicodeError):
        return host
    return host
