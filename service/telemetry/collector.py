"""Tells Prometheus what the database holds, read when it asks."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from service.db.census import Census
from service.db.models import Worker
from service.db.telling import OUTCOMES, Telling
from service.telemetry import families
from service.telemetry.families import Family, Kind, known_reason

CACHE_SECONDS = 2.0
MAX_LABEL = 64
Samples = Iterable[tuple[tuple[str, ...], float | None]]
_log = structlog.get_logger(__name__)


class DatabaseCollector(Collector):
    """`take` reads a census, at most every two seconds; where it cannot, `frs_database_up` is 0 and alone.

    Without a broker nothing is relayed, and `relays` is False.
    """

    def __init__(self, take: Callable[[], Census], *, relays: bool) -> None:
        self._take = take
        self._relays = relays
        self._lock = threading.Lock()
        self._taken: tuple[float, Census | None] = (-CACHE_SECONDS, None)

    def describe(self) -> Iterable[Metric]:
        """Nothing, lest the database be asked when this is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        census = self._census()
        yield _metric(families.DATABASE_UP, [((), float(census is not None))])
        if census is None:
            return
        yield from _work(census)
        yield from _fleet(census)
        yield from _keeping(census)
        yield from _telling(census.telling)
        if self._relays:
            yield _metric(families.RELAY_UNSENT, [((), census.relay.unsent)])
            yield _metric(families.RELAY_LAG, [((), census.relay.lag_seconds)])

    def _census(self) -> Census | None:
        with self._lock:
            taken_at, census = self._taken
            if time.monotonic() - taken_at >= CACHE_SECONDS:
                try:
                    census = self._take()
                except (SQLAlchemyError, OSError) as error:
                    _log.warning("census.failed", error=str(error))
                    census = None
                self._taken = (time.monotonic(), census)
            return census


def _work(census: Census) -> Iterator[Metric]:
    yield _metric(families.JOBS, [((each.kind, each.state.value), each.number) for each in census.jobs])
    ages = [((each.kind, each.state.value), each.oldest_seconds) for each in census.jobs]
    yield _metric(families.JOBS_OLDEST, ages)
    yield _metric(families.CLAIMS, [((), census.claims)])
    endings: Counter[tuple[str, ...]] = Counter()
    for ending in census.endings:
        endings[ending.outcome, known_reason(ending.reason)] += ending.number
    yield _metric(families.ENDINGS, endings.items())
    yield _metric(families.ATTEMPTS, [((), census.leases.running)])
    yield _metric(families.LEASES_EXPIRED, [((), census.leases.expired)])
    yield _metric(families.LEASE_SILENCE, [((), census.leases.longest_silence_seconds)])
    yield _metric(families.TRAINING_JOBS, [((each.kind,), each.jobs) for each in census.throughput])
    steps = [((each.kind,), each.steps_per_second) for each in census.throughput]
    yield _metric(families.TRAINING_STEPS, steps)
    images = [((each.kind,), each.images_per_second) for each in census.throughput]
    yield _metric(families.TRAINING_IMAGES, images)


def _telling(telling: Telling) -> Iterator[Metric]:
    yield _metric(families.DELIVERY_TRIES, [((each,), telling.tries.get(each, 0)) for each in OUTCOMES])
    yield _metric(families.DELIVERIES_DUE, [((), telling.due)])
    yield _metric(families.DELIVERY_LAG, [((), telling.lag_seconds)])
    yield _metric(families.MIRROR_FAILING, [((), telling.failing_runs)])


def _fleet(census: Census) -> Iterator[Metric]:
    online = [each for each in census.workers if each.state == "online"]
    numbers = [(("online",), len(online)), (("lost",), len(census.workers) - len(online))]
    yield _metric(families.WORKERS, numbers)
    yield _metric(families.WORKERS_DRAINING, [((), census.draining)])
    ages = [(_named(each), max(0.0, (census.moment - each.heartbeat_at).total_seconds())) for each in online]
    yield _metric(families.WORKER_SILENCE, ages)
    usage = [(_named(each), each.usage or {}) for each in online]
    yield _metric(families.WORKER_CPU, [(labels, used.get("cpu")) for labels, used in usage])
    yield _metric(families.WORKER_MEMORY, [(labels, used.get("memory")) for labels, used in usage])
    yield _metric(families.GPUS, [((), sum(len(each.devices.get("gpus", ())) for each in online))])
    yield _metric(families.GPUS_BUSY, [((), census.busy_gpus)])
    gpus = [((*labels, gpu["uuid"]), gpu) for labels, used in usage for gpu in used.get("gpus", ())]
    yield _metric(families.GPU_BUSY, [(labels, gpu.get("busy")) for labels, gpu in gpus])
    yield _metric(families.GPU_MEMORY, [(labels, gpu.get("memory")) for labels, gpu in gpus])


def _keeping(census: Census) -> Iterator[Metric]:
    yield _metric(families.CHORE_RUNS, [((each.chore,), each.runs) for each in census.chores])
    yield _metric(families.CHORE_FAILURES, [((each.chore,), each.failures) for each in census.chores])
    moments = [
        ((each.chore,), each.succeeded_at.timestamp())
        for each in census.chores
        if each.succeeded_at is not None
    ]
    yield _metric(families.CHORE_SUCCESS, moments)


def _named(worker: Worker) -> tuple[str, str]:
    return worker.id, worker.host


def _metric(family: Family, samples: Samples) -> Metric:
    made = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = made(family.name, family.meaning, labels=family.labels)
    values: dict[tuple[str, ...], float] = defaultdict(float)
    for labels, value in samples:
        if value is not None:
            values[tuple(label[:MAX_LABEL] for label in labels)] += value
    for labels, value in values.items():
        metric.add_metric(labels, value)
    return metric
