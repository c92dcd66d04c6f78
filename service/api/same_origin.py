"""Tells whether a page of another site made a browser send a request: forms need no permission to do so."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request

from service.api.problems import ProblemError, clean

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def cross_site_source(headers: Mapping[str, str]) -> str | None:
    """The other site, as the browser names it; None for a request of our own pages or of no browser.

    Browsers say where a request comes from in Sec-Fetch-Site, and over plain http in Origin alone.
    Who sends neither is no browser.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None:
        return None if site in ("same-origin", "none") else origin or site
    if origin is None or _address(origin) == headers.get("host", "").lower():
        return None
    return origin


def same_origin(request: Request) -> None:
    """Raises ProblemError (403) for a request of another site's page; `SiteGuard` asks that of all."""
    source = cross_site_source(request.headers)
    if source is not None:
        detail = f"the request comes from another site ({clean(source, 100)}): open this page itself"
        raise ProblemError(403, "cross-site", detail)


def _address(origin: str) -> str | None:
    """Host and port as the Host header has them; None for no address, such as `null`."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
