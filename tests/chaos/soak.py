"""`python -m tests.chaos.soak`: runs jobs while faults are injected, and says in one line what came of it."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from service.client import ApiError, Client, UnreachableError
from service.db.engine import create_engine, session_factory
from service.db.models import Job
from service.db.states import TERMINAL
from tests.chaos import invariants
from tests.chaos.faults import FAULTS
from tests.chaos.invariants import Wanted
from tests.chaos.system import System, wait_gone
from tests.waiting import wait_until

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "fpn_channels": 32}
DATA = {"train_images": 4, "val_images": 2, "test_images": 2, "width": 64, "height": 64}
CANCELLED_SHARE = 0.15

log = structlog.get_logger(__name__)


@dataclass
class Soak:
    """`num_jobs` jobs in experiments of four; `num_faults` faults, `pause_seconds` apart on average."""

    system: System
    random: Random
    num_jobs: int
    num_faults: int
    pause_seconds: float
    num_steps: int
    wanted: dict[str, Wanted] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)

    def run(self, seconds: float) -> None:
        """Submit, hurt, and wait until all jobs have ended. Fails after the time given."""
        deadline = time.monotonic() + seconds
        num_experiments = self.num_jobs // 4
        submit_at = sorted(
            self.random.randrange(max(1, self.num_faults * 3 // 4)) for _ in range(num_experiments)
        )
        while (done := self.injected.total()) < self.num_faults:
            while submit_at and submit_at[0] <= done:
                submit_at.pop(0)
                self._submit()
            self._hurt()
            time.sleep(self.random.uniform(0, 2 * self.pause_seconds))
            self.system.keep_up()
            assert time.monotonic() < deadline, "the time is over, and faults are still to come"
        wait_until(self._is_done, seconds=deadline - time.monotonic(), every=0.5)

    def verdict(self) -> tuple[str, list[str]]:
        """The line, and what is behind its counts."""
        engine = create_engine(self.system.postgres.url)
        try:
            with session_factory(engine, read_only=True)() as session:
                found = {
                    "lost": list(invariants.lost(session, self.wanted)),
                    "doubled": list(invariants.doubled(session, self.wanted)),
                    "wrong": list(
                        invariants.wrong(session, self.wanted, self.system.artifacts, self.num_steps)
                    ),
                }
                num_jobs = session.scalars(select(func.count()).select_from(Job)).one()
        finally:
            engine.dispose()
        counts = " ".join(f"{name}={len(faults)}" for name, faults in found.items())
        line = f"faults={self.injected.total()} jobs={num_jobs} {counts}"
        return line, list(chain.from_iterable(found.values()))

    def _hurt(self) -> None:
        fault = self.random.choices(list(FAULTS), weights=list(FAULTS.values()))[0]
        hit = fault(self.system, self.random)
        log.info("fault", name=fault.__name__, hit=hit)
        self.injected[fault.__name__] += hit

    def _submit(self) -> None:
        key = str(UUID(int=self.random.getrandbits(128)))
        name = f"soak-{len(self.wanted)}"
        spec: dict[str, Any] = {
            "name": name,
            "dataset": {"format": "synthetic", "test": "test", "options": DATA},
            "input_size": [64, 64],
            "teacher": {"detector": DETECTOR, "train": {"epochs": 1}, "seed": len(self.wanted)},
            "student": {"detector": DETECTOR},
            "schedule": {"epochs": 1, "batch_size": 2},
            "methods": ["none", "frs", "fitnet"],
            "seeds": [0],
        }
        experiment = self._insist(lambda client: client.submit_experiment(spec, idempotency_key=key))
        self.wanted[experiment.id] = Wanted(num_jobs=4, cancelled=False)
        priority = self.random.randrange(-2, 3)
        self._insist(lambda client: client.prioritise_experiment(experiment.id, priority))
        if self.random.random() < CANCELLED_SHARE:
            victim = self.random.choice(list(self.wanted))
            self.wanted[victim] = replace(self.wanted[victim], cancelled=True)
            self._insist(lambda client: client.control_experiment(victim, "cancel"))

    def _insist(self, ask: Any) -> Any:
        """Ask until the API answers, as a user's script would: with the same key."""
        deadline = time.monotonic() + 120
        while True:
            self.system.keep_up()
            try:
                with Client(self.system.url) as client:
                    return ask(client)
            except (UnreachableError, ApiError) as error:
                if isinstance(error, ApiError) and error.status != 503:
                    raise
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

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
    num_faults: int,
    seconds: float,
    pause_seconds: float,
    num_workers: int = 3,
    num_steps: int = 40,
) -> tuple[str, list[str]]:
    """Run one; gives its line and what was wrong."""
    with running(folder, num_workers=num_workers, pace_seconds=0.05, num_steps=num_steps) as system:
        one = Soak(
            system, Random(seed), num_jobs=num_jobs, num_faults=num_faults,
            pause_seconds=pause_seconds, num_steps=num_steps,
        )  # fmt: skip
        one.run(seconds)
        system.stop()
        wait_gone(system)
        line, wrong = one.verdict()
        left = [path for part in system.workers for path in (folder / part.name / "work").glob("*")]
        wrong += [f"{path} was left" for path in left]
        log.info("injected", **one.injected)
        return f"{line} left={len(left)} seed={seed}", wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5400)
    parser.add_argument("--pause", type=float, default=1.5)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="frs-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    line, wrong = soak(
        folder, seed=chosen.seed, num_jobs=chosen.jobs, num_faults=chosen.faults,
        seconds=chosen.seconds, pause_seconds=chosen.pause,
    )  # fmt: skip
    for each in wrong:
        sys.stderr.write(each + "\n")
    sys.stdout.write(line + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
