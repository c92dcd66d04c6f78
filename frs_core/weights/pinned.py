"""Sends a request to an address that was judged, so that another answer of the name server leads nowhere.

Behind a proxy, that is what looks hosts up, and guards.
"""

from urllib.request import getproxies, proxy_bypass

import httpx

from frs_core.weights.addresses import WEIGHTS_REMEDY, Resolve, look_up, reachable

_PORTS = {"https": 443, "http": 80}


def send_pinned(
    client: httpx.Client,
    request: httpx.Request,
    *,
    private: bool,
    resolve: Resolve = look_up,
    remedy: str = WEIGHTS_REMEDY,
) -> httpx.Response:
    """The answer, its body yet to be read, of one of the addresses that the host has now; close it.

    A certificate must be the host's. The next address is tried only where none of the request has left.
    Raises ValueError and OSError as `reachable` does, and httpx.HTTPError.
    """
    url = request.url
    if _through_proxy(url):
        return client.send(request, stream=True)
    last: httpx.TransportError | None = None
    for ip in reachable(
        url.host, url.port or _PORTS[url.scheme], private=private, resolve=resolve, remedy=remedy
    ):
        pinned = httpx.Request(
            request.method,
            url.copy_with(host=ip),
            headers=request.headers,  # `Host` among them, as the address had it
            content=request.content,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        try:
            return client.send(pinned, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            last = error
    assert last is not None, "a host without addresses was refused"
    raise last


def _through_proxy(url: httpx.URL) -> bool:
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)
