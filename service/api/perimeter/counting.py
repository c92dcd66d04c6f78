"""Counts requests over a minute, for all API processes together where they share a Redis broker."""

import time
from dataclasses import dataclass

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

WINDOW_SECONDS = 60
REDIS_SECONDS = 0.5
"""No request waits longer for the count."""
RETRY_SECONDS = 10.0
"""So long Redis is left alone after it failed."""
_PREFIX = "frs-rate"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Count:
    """Where a request stands: whether it may pass, how many may follow, and when the window has emptied."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


class Counter:
    """Counts by name. While Redis is away each process counts in its own memory: no request fails for it."""

    def __init__(self, broker_url: str) -> None:
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._pool = _pool(broker_url)
        self._shared = None if self._pool is None else _shared(self._pool)
        self._shared_from = 0.0

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._pool is not None:
            await self._pool.aclose()

    async def hit(self, kind: str, name: str, limit: int) -> Count:
        """Count one more of `kind` (`key`, `address`, ...) for `name`, of `limit` a minute."""
        return await self._ask(kind, name, limit, counts=True)

    async def look(self, kind: str, name: str, limit: int) -> Count:
        """The same without counting."""
        return await self._ask(kind, name, limit, counts=False)

    async def _ask(self, kind: str, name: str, limit: int, *, counts: bool) -> Count:
        if self._shared is not None and time.monotonic() >= self._shared_from:
            try:
                return await _counted(self._shared, kind, name, limit, counts=counts)
            except (RedisError, OSError, TimeoutError) as error:
                self._shared_from = time.monotonic() + RETRY_SECONDS
                _log.warning("rates.redis_away", error=str(error), retry_seconds=RETRY_SECONDS)
        return await _counted(self._here, kind, name, limit, counts=counts)


async def _counted(
    limiter: SlidingWindowCounterRateLimiter, kind: str, name: str, limit: int, *, counts: bool
) -> Count:
    item = RateLimitItemPerMinute(limit, namespace=_PREFIX)
    ask = limiter.hit if counts else limiter.test
    allowed = await ask(item, kind, name)
    stats = await limiter.get_window_stats(item, kind, name)
    reset = max(1, min(WINDOW_SECONDS, round(stats.reset_time - time.time())))
    return Count(allowed=allowed, limit=limit, remaining=max(0, stats.remaining), reset_seconds=reset)


def _pool(broker_url: str) -> ConnectionPool | None:
    """Connections to what all processes share; None where the broker is no Redis."""
    if not broker_url.startswith(("redis:", "rediss:", "redis+socket:")):
        return None
    address = broker_url.replace("redis+socket://", "unix://", 1)
    return ConnectionPool.from_url(
        address, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=None
    )


def _shared(pool: ConnectionPool) -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=_PREFIX,
        connection_pool=pool,  # type: ignore[arg-type]  # its documentation takes one, its annotation does not
    )
    return SlidingWindowCounterRateLimiter(storage)
