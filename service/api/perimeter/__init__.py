"""What stands between the network and the routes: each request passes it before anybody asks who sent it."""

from fastapi import FastAPI

from service.api import middleware
from service.api.auditing import Remembered
from service.api.perimeter.counting import Counter
from service.api.perimeter.headers import SecurityHeaders
from service.api.perimeter.hosts import HostGuard
from service.api.perimeter.proxies import trusting
from service.api.perimeter.rates import FailedLogins, RateLimit
from service.api.perimeter.sites import SiteGuard
from service.api.perimeter.sizes import HeadLimit
from service.settings import Settings


def guard_inside(app: FastAPI, settings: Settings) -> None:
    """What needs to know who sent the request: add it before the middleware that finds that out."""
    app.state.counter = Counter(settings.broker_url)
    app.add_middleware(Remembered)
    app.add_middleware(RateLimit, counter=app.state.counter, requests_per_minute=settings.requests_per_minute)


def guard_outside(app: FastAPI, settings: Settings) -> None:
    """What comes first: whoever is refused here is not even asked for a key. The last added is outermost."""
    app.add_middleware(
        middleware.BodyLimit,
        limit_bytes=settings.max_request_bytes,
        upload_limit_bytes=settings.max_upload_bytes,
        dataset_limit_bytes=settings.max_dataset_bytes,
        checkpoint_limit_bytes=settings.max_checkpoint_bytes,
        patience_seconds=settings.body_patience_seconds,
    )
    app.add_middleware(
        FailedLogins, counter=app.state.counter, failures_per_minute=settings.failed_logins_per_minute
    )
    app.add_middleware(SiteGuard, allowed_origins=settings.allowed_origins)
    app.add_middleware(HeadLimit)
    app.add_middleware(HostGuard, allowed_hosts=settings.hosts)
    app.add_middleware(middleware.RequestLog)
    trusting(app, settings.trusted_proxies)
    app.add_middleware(SecurityHeaders)


__all__ = ["guard_inside", "guard_outside"]
