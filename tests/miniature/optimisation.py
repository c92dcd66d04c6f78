"""A deterministic optimisation that needs no torch: noisy gradient descent with momentum.

Its result hangs on every step, on the random numbers drawn so far and on the teacher's weights: a run that
lost, repeated or reordered anything ends elsewhere.
"""

import json
from dataclasses import dataclass
from random import Random

GOAL = (1.0, -2.0, 0.5)
"""What a run without a teacher comes near to."""

RATE, MOMENTUM, NOISE = 0.1, 0.9, 0.05


@dataclass
class Optimisation:
    """`goal` is what the weights are pulled towards: the teacher's, where there is one."""

    goal: list[float]
    weights: list[float]
    velocity: list[float]
    random: Random
    step: int = 0

    @classmethod
    def begin(cls, seed: int, goal: "list[float] | tuple[float, ...]" = GOAL) -> "Optimisation":
        random = Random(seed)
        return cls(list(goal), [random.gauss(0, 1) for _ in goal], [0.0 for _ in goal], random)

    @classmethod
    def restored(cls, saved: str) -> "Optimisation":
        plain = json.loads(saved)
        random = Random()
        version, internal, gauss_next = plain.pop("random")
        random.setstate((version, tuple(internal), gauss_next))
        return cls(**plain, random=random)

    def saved(self) -> str:
        return json.dumps({**vars(self), "random": self.random.getstate()})

    def advance(self) -> float:
        """One step; gives the loss before it."""
        errors = [weight - goal for weight, goal in zip(self.weights, self.goal, strict=True)]
        for index, error in enumerate(errors):
            gradient = error + self.random.gauss(0, NOISE)
            self.velocity[index] = MOMENTUM * self.velocity[index] - RATE * gradient
            self.weights[index] += self.velocity[index]
        self.step += 1
        return sum(error * error for error in errors) / 2


@dataclass(frozen=True)
class QuietRun:
    """What a run that nobody disturbed gives: `losses` by step, from 1, and its final weights."""

    losses: list[tuple[int, float]]
    weights: list[float]


def quiet_run(num_steps: int, seed: int = 0, teacher: list[float] | None = None) -> QuietRun:
    one = Optimisation.begin(seed, teacher or GOAL)
    losses = [(step, one.advance()) for step in range(1, num_steps + 1)]
    return QuietRun(losses, one.weights)
