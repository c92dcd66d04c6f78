"""Intervals whose answers are known."""

import numpy as np
import pytest

from frs_core.match_arrays import IOU_THRESHOLDS, MatchArrays
from service.comparison.average_precision import coco_metrics
from service.comparison.bootstrap import difference_interval, image_draws, resampled_ap


def matches(found: list[bool]) -> MatchArrays:
    """One box an image, found or not by its one detection."""
    images = np.arange(len(found))
    shape = (len(found), 4, len(IOU_THRESHOLDS))
    return MatchArrays(
        image_ids=images.astype(np.int64),
        classes=np.array(["cell"]),
        detection_image=images.astype(np.int32),
        detection_class=np.zeros(len(found), np.int32),
        detection_score=np.ones(len(found)),
        detection_rank=np.zeros(len(found), np.uint8),
        detection_index=images.astype(np.int64),
        detection_matched=np.broadcast_to(np.array(found)[:, None, None], shape),
        detection_ignored=np.zeros(shape, np.bool_),
        truth_image=images.astype(np.int32),
        truth_class=np.zeros(len(found), np.int32),
        truth_ignored=np.zeros((len(found), 4), np.bool_),
    )


def test_draws_are_of_all_images_and_the_same_again():
    draws = image_draws(10, 200, seed=3)
    assert draws.shape == (200, 10)
    assert set(draws.flatten()) == set(range(10))
    assert np.array_equal(draws, image_draws(10, 200, seed=3))
    assert not np.array_equal(draws, image_draws(10, 200, seed=4))


def test_the_images_themselves_give_the_ap_of_the_split():
    found = matches([True, False, True, True])
    [ap] = resampled_ap(found, np.arange(4)[None])
    assert ap == coco_metrics(found)["ap"]


def test_a_detector_that_always_finds_has_no_spread():
    draws = image_draws(6, 50)
    assert (resampled_ap(matches([True] * 6), draws) == 1).all()
    assert (resampled_ap(matches([False] * 6), draws) == 0).all()


def test_what_both_share_is_no_part_of_the_difference():
    draws = image_draws(8, 100)
    luck = resampled_ap(matches([True, False] * 4), draws)
    assert luck.std() > 0.1
    assert difference_interval([luck + 0.02], [luck]) == (pytest.approx(0.02), pytest.approx(0.02))


def test_the_interval_holds_the_middle_of_the_draws():
    ours, theirs = np.arange(101) / 100, np.zeros(101)
    assert difference_interval([ours], [theirs], level=0.9) == (pytest.approx(0.05), pytest.approx(0.95))


def test_seeds_are_averaged_draw_by_draw():
    up, down = np.arange(101) / 100, 1 - np.arange(101) / 100
    zeros = np.zeros(101)
    assert difference_interval([up, down], [zeros, zeros]) == (pytest.approx(0.5), pytest.approx(0.5))


@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (1, 2)])
def test_sides_of_unequal_seeds_have_no_pairs(ours, theirs):
    with pytest.raises(ValueError, match="same seeds"):
        difference_interval([np.zeros(3)] * ours, [np.zeros(3)] * theirs)
