"""What a user does while the system is hurt: submits, cancels, pauses and resumes through the API."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from service.client import ApiError, Client, UnreachableError
from tests.chaos.invariants import Wanted
from tests.chaos.system import System
from tests.fixtures.server import TEST_KEY
from tests.miniature.child import REAL

AnswerT = TypeVar("AnswerT")
CANCELLED_SHARE = 0.15
PATIENCE_SECONDS = 120.0
METHODS = ("none", "frs", "fitnet")

_DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "fpn_channels": 32}
_TINY = {"zoo": REAL, "backbone_depth": 18, "base_channels": 8, "fpn_channels": 64}
_DATA = {"train_images": 4, "val_images": 2, "test_images": 2, "width": 64, "height": 64}


@dataclass
class User:
    """`wanted` says by id what was asked of each experiment; `real` is the quiet one of real detectors."""

    system: System
    random: Random
    wanted: dict[str, Wanted] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    real: str | None = None

    def submit(self) -> None:
        """Submit an experiment of miniature runs, and now and then cancel one."""
        number = len(self.wanted)
        self._submit(_spec(f"soak-{number}", _DETECTOR, seed=number, epochs=1))
        if self.random.random() < CANCELLED_SHARE:
            victim = self.random.choice([id for id, wish in self.wanted.items() if wish.equals is None])
            self.wanted[victim] = replace(self.wanted[victim], cancelled=True)
            self.insist(lambda client: client.control_experiment(victim, "cancel"))

    def submit_real(self) -> None:
        """Submit the experiment of real detectors, each time the same; the first one is to be quiet."""
        experiment_id = self._submit(_spec("real", _TINY, seed=0, epochs=3), equals=self.real)
        self.real = self.real or experiment_id

    def change_mind(self) -> None:
        """Pause an experiment, or resume those that were paused."""
        if self.paused:
            self.resume_all()
        elif self.wanted:
            chosen = self.random.choice(list(self.wanted))
            self.paused.add(chosen)
            self.insist(lambda client: client.control_experiment(chosen, "pause"))

    def resume_all(self) -> None:
        """Let all that was paused go on."""
        for experiment_id in sorted(self.paused):
            self._resume(experiment_id)
        self.paused.clear()

    def insist(self, ask: Callable[[Client], AnswerT]) -> AnswerT:
        """Ask until the API answers, as a user's script would: with the same key."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.system.keep_up()
            try:
                with Client(self.system.url, str(TEST_KEY)) as client:
                    return ask(client)
            except (UnreachableError, ApiError) as error:
                if isinstance(error, ApiError) and error.status != 503:
                    raise
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _submit(self, spec: dict[str, Any], equals: str | None = None) -> str:
        key = str(UUID(int=self.random.getrandbits(128)))
        experiment = self.insist(lambda client: client.submit_experiment(spec, idempotency_key=key))
        num_jobs = 1 + len(METHODS)
        self.wanted[experiment.id] = Wanted(num_jobs=num_jobs, cancelled=False, equals=equals)
        priority = self.random.randrange(-2, 3)
        self.insist(lambda client: client.prioritise_experiment(experiment.id, priority))
        return experiment.id

    def _resume(self, experiment_id: str) -> None:
        self.insist(lambda client: client.control_experiment(experiment_id, "resume"))


def _spec(name: str, detector: dict[str, Any], *, seed: int, epochs: int) -> dict[str, Any]:
    return {
        "name": name,
        "dataset": {"format": "synthetic", "test": "test", "options": _DATA},
        "input_size": [64, 64],
        "teacher": {"detector": detector, "train": {"epochs": epochs}, "seed": seed, "reuse": False},
        "student": {"detector": detector},
        "schedule": {"epochs": epochs, "batch_size": 2},
        "methods": [{"name": name, "reuse": False} for name in METHODS],
        "seeds": [seed],
    }
