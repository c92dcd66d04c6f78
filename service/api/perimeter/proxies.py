"""Believes what X-Forwarded-For and -Proto say only where a proxy that is trusted says it."""

from collections.abc import Collection

from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def trusting(app: FastAPI, proxies: Collection[str]) -> None:
    """Take client address and scheme from the headers of these proxies (addresses or networks).

    Without any, the address is that of the connection whatever a client sends: rate limits and audit trail
    rest on it. The server itself must then not honour the headers either (`proxy_headers=False`).
    """
    if proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))
