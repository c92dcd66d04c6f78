"""What pages cost when there is much to show, against the same pages with little.

`python -m benchmarks.dashboard [--database sqlite] [--database postgresql]`: both by default, PostgreSQL
where a server answers at FRS_TEST_DATABASE_URL or on this host. One database has 100,000 jobs, the other 100;
each is served by an API process of its own, and their pages are asked for in turn. The list of the large one
fills its page of 50 rows, that of the small one has 6: a list of one row tells what the jobs behind it cost.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from benchmarks.large_database import METHODS, SERIES, add_series, fill
from service.comparison.standing import refresh
from service.db.engine import create_engine, session_factory, upgrade
from service.settings import Settings
from tests.fixtures.databases import DEFAULT_SERVER, temporary_database
from tests.fixtures.server import AS_ADMIN, admit_tester, serving

NUM_REQUESTS = 20
NUM_SEEDS = 6
JOBS_OF_ONE = 1 + len(METHODS) * NUM_SEEDS
LARGE, SMALL = 100_000 // JOBS_OF_ONE, 100 // JOBS_OF_ONE
RUNS = ({"methods": METHODS, "num_seeds": 15}, {"methods": METHODS[:2], "num_seeds": 3})
"""Experiments of 60 runs and of 6, besides their teachers."""
POINTS = (500_000, 5_000)
CHART = f"/api/v1/jobs/{{job}}/metrics/chart?buckets=600&name={SERIES}"
"""What a chart asks for."""


@dataclass(frozen=True)
class Page:
    """What is asked for, where there is much and where there is little."""

    title: str
    much: str
    little: str


@dataclass(frozen=True)
class Cost:
    """Of one page."""

    seconds: float
    size_bytes: int


@dataclass(frozen=True)
class Served:
    """Where pages are asked for: its experiments of 60 and 6 runs, its jobs of long and short series."""

    url: str
    experiments: Sequence[str]
    jobs: Sequence[str]


def main() -> None:
    """Print what was measured, as Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dashboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    for kind in parser.parse_args().database or ["sqlite", "postgresql"]:
        if kind == "postgresql" and not _has_postgresql():
            print(f"\nno PostgreSQL at {_server()}: left out")
            continue
        measure(kind)


def measure(kind: str) -> None:
    """Build both databases, and ask each pair of pages in turn."""
    print(f"\n## Pages before {LARGE * JOBS_OF_ONE:,} jobs and {SMALL * JOBS_OF_ONE}, {kind}\n", flush=True)
    with ExitStack() as stack:
        large = stack.enter_context(_served(kind, LARGE))
        small = stack.enter_context(_served(kind, SMALL))
        with httpx.Client(timeout=120, headers=AS_ADMIN) as client:
            found = [(page, *_costs(client, page)) for page in _pages(large, small)]
    print("\n| median of", NUM_REQUESTS, "| much, ms | little, ms | ratio | much, kB | little, kB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for page, much, little in found:
        times = (
            f"{1000 * much.seconds:.1f} | {1000 * little.seconds:.1f} | {much.seconds / little.seconds:.2f}"
        )
        print(f"| {page.title} | {times} | {much.size_bytes / 1000:.1f} | {little.size_bytes / 1000:.1f} |")


def _pages(large: Served, small: Served) -> list[Page]:
    def of_both(title: str, path: str) -> Page:
        return Page(title, large.url + path, small.url + path)

    experiments = [f"{large.url}/experiments/{each}" for each in large.experiments]
    charts = [large.url + CHART.format(job=each) for each in large.jobs]
    return [
        of_both("list", "/"),
        Page("list of one row", *(f"{each.url}/?search={each.experiments[0]}" for each in (large, small))),
        of_both("list, filtered and sorted", "/?method=frs&state=succeeded&sort=delta"),
        of_both("list, searched", "/?search=blood&sort=name"),
        of_both("list by REST", "/api/v1/experiments?limit=50"),
        Page("experiment of 60 runs, 6 runs", *experiments),
        Page(f"chart of {POINTS[0]:,} points, {POINTS[1]:,}", *charts),
    ]


@contextmanager
def _served(kind: str, num_experiments: int) -> Iterator[Served]:
    """A filled database behind an API of its own."""
    with tempfile.TemporaryDirectory(prefix="frs-dashboard-") as name, _database(kind, Path(name)) as url:
        folder = Path(name)
        experiments, jobs = _build(url, num_experiments)
        settings = Settings(data_dir=folder, database_url=url, broker_url="", artifacts_url="")
        with serving(settings, folder) as address:
            yield Served(address, experiments, jobs)


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'frs.db'}"
    else:
        with temporary_database(_server()) as url:
            yield url


def _build(url: str, num_experiments: int) -> tuple[list[str], list[str]]:
    upgrade(url)
    admit_tester(url)
    engine = create_engine(url)
    begun = time.monotonic()
    fill(engine, num_experiments=num_experiments, num_seeds=NUM_SEEDS)
    made = [fill(engine, num_experiments=1, seed=seed, **each) for seed, each in enumerate(RUNS, 1)]
    for each, num_points in zip(made, POINTS, strict=True):
        add_series(engine, each.job_id, num_points)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    built = time.monotonic()
    refresh(session_factory(engine, read_only=True), session_factory(engine))
    engine.dispose()
    print(
        f"{num_experiments * JOBS_OF_ONE:,} jobs in {num_experiments:,} experiments: built in "
        f"{built - begun:.0f} s, first read in {time.monotonic() - built:.1f} s",
        flush=True,
    )
    return [each.experiment_id for each in made], [each.job_id for each in made]


def _costs(client: httpx.Client, page: Page) -> tuple[Cost, Cost]:
    """In turn, so that what else this host does hurts both alike."""
    much, little = [], []
    for number in range(NUM_REQUESTS + 2):
        found = _ask(client, page.much), _ask(client, page.little)
        if number >= 2:
            much.append(found[0])
            little.append(found[1])
    return _median(much), _median(little)


def _ask(client: httpx.Client, url: str) -> Cost:
    begun = time.perf_counter()
    answer = client.get(url)
    took = time.perf_counter() - begun
    if answer.status_code != 200:
        sys.exit(f"{url} answered {answer.status_code}: {answer.text[:500]}")
    return Cost(took, len(answer.content))


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(cost.seconds for cost in costs), costs[-1].size_bytes)


def _server() -> str:
    return os.environ.get("FRS_TEST_DATABASE_URL") or DEFAULT_SERVER


def _has_postgresql() -> bool:
    try:
        psycopg.connect(_server(), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


if __name__ == "__main__":
    main()
