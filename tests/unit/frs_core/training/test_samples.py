"""The order of samples depends on seed and epoch alone."""

import pytest

pytestmark = pytest.mark.torch


def batches(**changes: int) -> list[list[tuple[int, int]]]:
    from frs_core.training.samples import StepSampler

    chosen = {"seed": 0, "first_step": 0, "total_steps": 9} | changes
    return list(StepSampler(5, 2, **chosen))


def test_an_epoch_shows_every_image_once() -> None:
    epoch = batches()[:3]
    assert [len(batch) for batch in epoch] == [2, 2, 1]
    assert sorted(index for batch in epoch for _, index in batch) == [0, 1, 2, 3, 4]


def test_starting_late_gives_the_batches_that_were_left() -> None:
    for first_step in range(10):
        assert batches(first_step=first_step) == batches()[first_step:]


def test_epochs_and_seeds_differ() -> None:
    def order(keys: list[list[tuple[int, int]]]) -> list[int]:
        return [index for batch in keys for _, index in batch]

    orders = {tuple(order(batches(seed=seed)[start : start + 3])) for seed in range(4) for start in (0, 3, 6)}
    assert len(orders) > 6
