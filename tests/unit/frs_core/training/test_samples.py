"""The order of samples depends on seed and epoch alone."""

import pytest
import torch

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


def test_processes_share_each_batch_and_a_small_last_one_is_filled_up() -> None:
    whole = batches(total_steps=3)
    first, second = (batches(total_steps=3, rank=rank, world_size=2) for rank in (0, 1))
    for batch, *shares in zip(whole, first, second, strict=True):
        assert len(shares[0]) == len(shares[1])
        assert [*shares[0], *shares[1]][: len(batch)] == batch
    assert second[2] == whole[0][:1]


def sizes(mode: str, ends: list[tuple[int, int]], seed: int = 0) -> list[tuple[int, int]]:
    from frs_core.detectors.seeds import generator
    from frs_core.spec.schedule import MultiScaleSpec
    from frs_core.training.samples import draw_size

    scales = MultiScaleSpec.model_validate({"mode": mode, "sizes": ends})
    return [draw_size(scales, generator(seed, "scale", epoch, 0)) for epoch in range(200)]


def test_sizes_are_drawn_from_a_range_with_both_its_ends() -> None:
    found = sizes("range", [(96, 64), (96, 67)])
    assert set(found) == {(96, 64), (96, 65), (96, 66), (96, 67)}
    assert found == sizes("range", [(96, 64), (96, 67)])
    assert found != sizes("range", [(96, 64), (96, 67)], seed=1)


def test_sizes_are_drawn_from_a_list() -> None:
    ends = [(96, 64), (100, 70), (128, 80)]
    assert set(sizes("choice", ends)) == set(ends)


def test_an_image_is_resized_anew_each_epoch_and_flipped_as_without() -> None:
    from frs_core.datasets.check import read_split
    from frs_core.spec import DatasetSpec
    from frs_core.spec.schedule import MultiScaleSpec
    from frs_core.training.samples import SplitImages
    from tests.unit.frs_core.training.conftest import DATASET

    split = read_split(DatasetSpec.model_validate(DATASET), "train")
    scales = MultiScaleSpec.model_validate({"mode": "choice", "sizes": [(96, 64), (192, 128)]})
    plain, scaled = (
        SplitImages(split, "synthetic", (96, 64), seed=3, flip_probability=0.5, multi_scale=chosen)
        for chosen in (None, scales)
    )
    doubled = 0
    for epoch in range(8):
        fixed, drawn = plain[(epoch, 0)], scaled[(epoch, 0)]
        factor = drawn["inputs"].shape[-1] // 96
        doubled += factor == 2
        boxes = fixed["data_samples"].gt_instances.bboxes.tensor * factor
        torch.testing.assert_close(drawn["data_samples"].gt_instances.bboxes.tensor, boxes)
    assert 0 < doubled < 8
