"""The learning rate of every step, and of every parameter."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from frs_core.spec.schedule import ScheduleSpec

pytestmark = pytest.mark.torch
RATE = 0.4


def rates(**schedule: Any) -> list[float]:
    """The learning rate of each step of a training on ten images."""
    from frs_core.training.optimizer import build_optimizer, build_schedulers, learning_rate

    options = {"epochs": 10, "batch_size": 5, "optimizer": {"name": "sgd", "lr": RATE}, "warmup_steps": 4}
    chosen = ScheduleSpec.model_validate(options | schedule)
    length = chosen.length(num_images=10)
    model = nn.Linear(1, 1)
    optimizer = build_optimizer(model, chosen)
    schedulers = build_schedulers(optimizer, chosen, length)
    found = []
    for _ in range(length.steps):
        found.append(learning_rate(optimizer))
        optimizer.update_params(model(torch.ones(1)).sum())
        for scheduler in schedulers:
            scheduler.step()
    return found


def warmed(factors: Callable[[int], float]) -> list[float]:
    """Four steps from a thousandth to the whole, then the decay, of 20 steps in all."""
    rise = [RATE * (0.001 + 0.999 * step / 3) for step in range(4)]
    return rise + [RATE * factors(step) for step in range(4, 20)]


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ({"decay": "constant"}, lambda step: 1.0),
        ({"decay": "cosine"}, lambda step: (1 + math.cos(math.pi * (step - 4) / 16)) / 2),
        ({"decay": "linear"}, lambda step: 1 - (step - 4) / 16),
        ({}, lambda step: 0.1 ** ((step >= 13) + (step >= 18))),
        ({"milestones": [4, 8], "gamma": 0.5}, lambda step: 0.5 ** ((step >= 8) + (step >= 16))),
        ({"epochs": None, "steps": 20, "milestones": [7]}, lambda step: 0.1 ** (step >= 7)),
    ],
)
def test_the_rate_warms_up_and_decays_as_named(
    schedule: dict[str, Any], factors: Callable[[int], float]
) -> None:
    assert rates(**schedule) == pytest.approx(warmed(factors))


def test_the_rate_is_scaled_from_a_reference_batch() -> None:
    found = rates(decay="constant", warmup_steps=0, reference_batch=20)
    assert found == pytest.approx([RATE / 4] * 20)


def test_warm_up_starts_where_it_is_told() -> None:
    assert rates(warmup_start_factor=0.5)[0] == pytest.approx(RATE / 2)


def test_a_constant_warm_up_stays_where_it_starts() -> None:
    found = rates(warmup="constant", warmup_steps=5, warmup_start_factor=0.25, decay="constant")
    assert found == pytest.approx([RATE / 4] * 4 + [RATE] * 16)


def test_biases_and_norms_may_have_their_own_rates_and_decay() -> None:
    from frs_core.training.optimizer import build_optimizer, learning_rate

    rules = {"bias_lr_mult": 2.0, "bias_decay_mult": 0.0, "norm_decay_mult": 0.5}
    schedule = ScheduleSpec.model_validate({"optimizer": {"lr": RATE, "weight_decay": 0.1, **rules}})
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    optimizer = build_optimizer(model, schedule)
    found = {
        id(group["params"][0]): (group["lr"], group["weight_decay"])
        for group in optimizer.optimizer.param_groups
    }
    assert found[id(model[0].weight)] == (RATE, 0.1)
    assert found[id(model[0].bias)] == (2 * RATE, 0.0)
    assert found[id(model[1].weight)] == (RATE, 0.05)
    assert learning_rate(optimizer) == RATE


def test_fp16_is_refused_where_there_is_no_gpu() -> None:
    from frs_core.errors import SpecError
    from frs_core.training.optimizer import build_optimizer

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(SpecError, match="precision to bf16"):
        build_optimizer(nn.Linear(1, 1), ScheduleSpec(precision="fp16"))
