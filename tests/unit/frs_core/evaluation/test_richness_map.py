"""Each score is seen where the teacher gave it, and its colour means the same in every picture."""

import numpy as np
import pytest
from numpy.typing import NDArray

pytestmark = pytest.mark.torch

STRIDE = 8


def drawn(width: int, height: int, score: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scores over a black picture of that size, of an image that the network saw as 20 x 12 pixels."""
    from frs_core.evaluation.richness_map import draw_richness

    pixels = np.zeros((height, width, 3), np.uint8)
    return np.asarray(draw_richness(pixels, score, stride=STRIDE, input_shape=(12, 20)))


def one_cell(row: int, column: int) -> NDArray[np.float32]:
    """A level of 4 x 4 cells, more than the image covers, one of them rich."""
    score = np.zeros((4, 4), np.float32)
    score[row, column] = 1
    return score


@pytest.mark.parametrize("factor", [1, 3, 0.5])
def test_a_rich_cell_covers_its_pixels_and_no_others(factor: float) -> None:
    picture = drawn(int(20 * factor), int(12 * factor), one_cell(1, 2))
    bright = picture.max(axis=2) > 100
    rows, columns = np.nonzero(bright)
    assert (rows.min(), columns.min()) == (int(8 * factor), int(16 * factor))
    assert bright[rows.min() :, columns.min() :].all()
    assert bright.sum() == (12 - 8) * (20 - 16) * factor * factor


def test_what_lies_in_the_padding_is_not_shown() -> None:
    assert drawn(20, 12, one_cell(3, 0)).max() < 10


def test_the_colours_do_not_follow_the_brightest_score() -> None:
    dim = drawn(20, 12, one_cell(0, 0) * np.float32(0.5))[4, 4]
    beside_a_bright_one = drawn(20, 12, one_cell(0, 0) * np.float32(0.5) + one_cell(1, 1))[4, 4]
    assert tuple(dim) == tuple(beside_a_bright_one)
    assert dim.sum() < drawn(20, 12, one_cell(0, 0))[4, 4].sum()


def test_the_image_is_seen_through_the_colours() -> None:
    from frs_core.evaluation.richness_map import draw_richness

    pixels = np.zeros((12, 20, 3), np.uint8)
    pixels[:, 10:] = 255
    seen = np.asarray(
        draw_richness(pixels, np.zeros((4, 4), np.float32), stride=STRIDE, input_shape=(12, 20))
    )
    assert seen[:, 10:].min() > seen[:, :10].max() + 50
