"""`python -m tests.chaos.soak`: runs jobs while faults are injected, and says in one line what came of it."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from service.db.engine import create_engine, session_factory
from service.db.models import Job
from service.db.states import TERMINAL
from service.jobs.cleaner import remove_orphans
from tests.chaos import invariants
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.system import Broker, System, wait_gone
from tests.chaos.user import User
from tests.waiting import wait_until

CHANGED_MINDS = 0.1
QUIET_SECONDS = 300.0
log = structlog.get_logger(__name__)


@dataclass
class Soak:
    """`num_jobs` jobs in experiments of four, and `num_real` of real detectors, once run quietly before.

    `num_faults` faults come `pause_seconds` apart on average: each kind once, then by their weights.
    """

    system: System
    user: User
    random: Random
    num_jobs: int
    num_real: int
    num_faults: int
    pause_seconds: float
    num_steps: int
    faults: Mapping[Fault, int] = field(default_factory=lambda: FAULTS)
    injected: Counter[str] = field(default_factory=Counter)
    first: list[Fault] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Submit, hurt, and wait until all jobs have ended. Fails after the time given."""
        deadline = time.monotonic() + seconds
        self.first = self.random.sample(list(self.faults), k=len(self.faults))
        if self.num_real:
            self.user.submit_real()
            wait_until(self._is_done, seconds=QUIET_SECONDS, every=0.5)
        submissions = [self.user.submit] * (self.num_jobs // 4) + [self.user.submit_real] * (
            self.num_real // 4
        )
        self.random.shuffle(submissions)
        last = max(1, self.num_faults * 3 // 4)
        submit_at = sorted(self.random.randrange(last) for _ in submissions)
        while (done := self.injected.total()) < self.num_faults:
            while submit_at and submit_at[0] <= done:
                submit_at.pop(0)
                submissions.pop()()
            if self.random.random() < CHANGED_MINDS:
                self.user.change_mind()
            self._hurt()
            time.sleep(self.random.uniform(0, 2 * self.pause_seconds))
            self.system.keep_up()
            assert time.monotonic() < deadline, "the time is over, and faults are still to come"
        self.user.resume_all()
        wait_until(self._is_done, seconds=deadline - time.monotonic(), every=0.5)

    def verdict(self) -> tuple[str, list[str]]:
        """The line, and what is behind its counts."""
        engine = create_engine(self.system.postgres.url)
        try:
            with session_factory(engine, read_only=True)() as session:
                wanted, store = self.user.wanted, self.system.store
                found = {
                    "lost": list(invariants.lost(session, wanted)),
                    "doubled": list(invariants.doubled(session, wanted)),
                    "wrong": list(invariants.wrong(session, wanted, store, self.num_steps)),
                }
                num_jobs = session.scalars(select(func.count()).select_from(Job)).one()
        finally:
            engine.dispose()
        counts = " ".join(f"{name}={len(faults)}" for name, faults in found.items())
        line = f"faults={self.injected.total()} jobs={num_jobs} {counts}"
        return line, list(chain.from_iterable(found.values()))

    def _hurt(self) -> None:
        weights = list(self.faults.values())
        fault = self.first.pop() if self.first else self.random.choices(list(self.faults), weights=weights)[0]
        hit = fault(self.system, self.random)
        log.info("fault", name=fault.__name__, hit=hit)
        self.injected[fault.__name__] += hit

    def _is_done(self) -> bool:
        self.system.keep_up()
        engine = create_engine(self.system.postgres.url)
        try:
            with session_factory(engine, read_only=True)() as session:
                left = select(func.count()).select_from(Job).where(Job.state.not_in(TERMINAL))
                return session.scalars(left).one() == 0
        except DBAPIError:
            return False
        finally:
            engine.dispose()


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[System]:
    """A started system; nothing of it is left in the end."""
    system = System(folder, **options)
    try:
        system.start()
        yield system
    finally:
        system.kill()


def soak(
    folder: Path,
    *,
    seed: int,
    num_jobs: int,
    num_real: int,
    num_faults: int,
    seconds: float,
    pause_seconds: float,
    num_workers: int = 3,
    num_steps: int = 40,
    broker: Broker | None = None,
    faults: Mapping[Fault, int] = FAULTS,
) -> tuple[str, list[str]]:
    """Run one; gives its line and what was wrong."""
    with running(
        folder, num_workers=num_workers, pace_seconds=0.05, num_steps=num_steps, broker=broker
    ) as system:
        random = Random(seed)
        one = Soak(
            system, User(system, random), random, num_jobs=num_jobs, num_real=num_real,
            num_faults=num_faults, pause_seconds=pause_seconds, num_steps=num_steps, faults=faults,
        )  # fmt: skip
        one.run(seconds)
        system.stop()
        wait_gone(system)
        _clean(system)
        line, wrong = one.verdict()
        left = [path for folder in system.disk.iterdir() for path in (folder / "work").glob("*")]
        wrong += [f"{path} was left" for path in left]
        log.info("injected", **one.injected)
        return f"{line} left={len(left)} seed={seed}", wrong


def _clean(system: System) -> None:
    """What the keeper does in time: remove stored files that no row names."""
    engine = create_engine(system.postgres.url)
    try:
        removed = remove_orphans(session_factory(engine), system.store, older_than=timedelta())
    finally:
        engine.dispose()
    log.info("cleaned", files=len(removed))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--real", type=int, default=12, help="jobs of real detectors, besides")
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5400)
    parser.add_argument("--pause", type=float, default=1.5)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="frs-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    line, wrong = soak(
        folder, seed=chosen.seed, num_jobs=chosen.jobs, num_real=chosen.real, num_faults=chosen.faults,
        seconds=chosen.seconds, pause_seconds=chosen.pause,
    )  # fmt: skip
    for each in wrong:
        sys.stderr.write(each + "\n")
    sys.stdout.write(line + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
