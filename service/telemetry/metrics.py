"""The metrics of one API process: what it counts itself, and what it reads from the database when asked."""

from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from service.db.census import Census
from service.telemetry import families
from service.telemetry.collector import DatabaseCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Made once an application; `read` adds the database's part as soon as there is one."""

    def __init__(self) -> None:
        # a series more for each histogram, of which nobody makes use
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        build = families.BUILD_INFO
        info = Gauge(build.name, build.meaning, build.labels, registry=registry)
        info.labels(version=version("frs-distill")).set(1)
        http = families.HTTP_SECONDS
        self._seconds = Histogram(http.name, http.meaning, http.labels, registry=registry, buckets=SECONDS)
        self.streams = Gauge(families.HTTP_STREAMS.name, families.HTTP_STREAMS.meaning, registry=registry)
        errors = families.STORE_ERRORS
        self.store_errors = Counter(errors.name, errors.meaning, errors.labels, registry=registry)

    def read(self, take: Callable[[], Census], *, relays: bool) -> None:
        """Read the database's part with `take` from now on."""
        self._registry.register(DatabaseCollector(take, relays=relays))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. `route` is a template, or one word for what matches none."""
        self._seconds.labels(method=method, route=route, status=f"{status // 100}xx").observe(seconds)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text for Prometheus and its media type, of the formats that `accept` names."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type
