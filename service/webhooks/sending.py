"""Makes one request of a delivery: to an address that was judged, following nobody, and not for long."""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import httpx

from frs_core.weights.addresses import Resolve, look_up
from frs_core.weights.pinned import send_pinned
from service.db.types import utc_now
from service.db.webhooks import Outcome, Parcel
from service.webhooks.addresses import REMEDY, is_private
from service.webhooks.signing import headers

MAX_ANSWER_BYTES = 1000
"""So much of an answer is kept; the rest is not even read."""

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_DEADLINE_SECONDS = 20.0
_MAX_WAIT_SECONDS = 6 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends parcels. `private_hosts` may be in a network of one's own; `clock` gives seconds of the epoch."""

    private_hosts: Collection[str] = ()
    resolve: Resolve = look_up
    clock: Callable[[], float] = time.time
    deadline_seconds: float = _DEADLINE_SECONDS

    def __call__(self, parcel: Parcel) -> Outcome:
        """What came of it. A host that may not be reached is an error like others: names change."""
        started_at, begun = utc_now(), time.monotonic()
        try:
            with (
                httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client,
                _ended_after(self.deadline_seconds, client),
            ):
                response, text = self._answer(client, parcel)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            return Outcome(started_at=started_at, seconds=time.monotonic() - begun, error=reason[:500])
        return Outcome(
            started_at=started_at,
            seconds=time.monotonic() - begun,
            status=response.status_code,
            response=text,
            error=_fault(response),
            retry_after_seconds=_wait(response),
        )

    def _answer(self, client: httpx.Client, parcel: Parcel) -> tuple[httpx.Response, str]:
        body = parcel.body.encode()
        request = client.build_request(
            "POST",
            parcel.url,
            content=body,
            headers={
                "Content-Type": "application/json",
                "User-Agent": f"frs-distill/{version('frs-distill')}",
                "Accept-Encoding": "identity",
                **headers(parcel.secrets, parcel.event_id, int(self.clock()), body),
            },
        )
        private = is_private(parcel.url, self.private_hosts)
        response = send_pinned(client, request, private=private, resolve=self.resolve, remedy=REMEDY)
        with closing(response):
            return response, _beginning(response)


@contextmanager
def _ended_after(seconds: float, client: httpx.Client) -> Iterator[None]:
    """Closes the client's connections then, lest a receiver that answers byte by byte hold us for ever."""
    timer = threading.Timer(seconds, client.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _beginning(response: httpx.Response) -> str:
    read = b""
    for chunk in response.iter_raw(MAX_ANSWER_BYTES):
        read += chunk
        if len(read) >= MAX_ANSWER_BYTES:
            break
    return read[:MAX_ANSWER_BYTES].decode("utf-8", "replace")


def _fault(response: httpx.Response) -> str | None:
    if response.is_success:
        return None
    if response.is_redirect:
        return f"HTTP {response.status_code}: redirects are not followed; give the address that they lead to"
    return f"HTTP {response.status_code}"


def _wait(response: httpx.Response) -> float | None:
    """The seconds of a Retry-After, within reason."""
    text = response.headers.get("Retry-After", "")
    if response.status_code not in (429, 503) or not (text.isascii() and text.isdecimal()):
        return None
    return min(float(text), _MAX_WAIT_SECONDS)
