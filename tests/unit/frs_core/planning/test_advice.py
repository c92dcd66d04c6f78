"""What to change where a training does not fit, from numbers alone."""

from typing import Any

import pytest

from frs_core.planning.advice import (
    GIB,
    MemoryNeed,
    advice,
    estimated_peak,
    fits,
    fitting_batch_size,
    need_of,
)
from frs_core.spec import JobSpec


def need(**changes: Any) -> MemoryNeed:
    known = {"batch_size": 16, "input_size": (1333, 800), "on_gpu": True, "device": "a GPU"}
    return MemoryNeed(**{**known, **changes})


def test_memory_grows_in_a_line_with_the_batch() -> None:
    asked = need(peaks={4: 6 * GIB, 8: 10 * GIB}, device_bytes=20 * GIB)
    assert estimated_peak(asked) == 18 * GIB
    assert fits(asked) is True
    assert estimated_peak(need(peaks={16: 19 * GIB, 4: GIB})) == 19 * GIB


def test_the_largest_batch_that_fits_is_named() -> None:
    asked = need(peaks={4: 6 * GIB, 8: 10 * GIB}, device_bytes=15 * GIB)
    assert fits(asked) is False
    assert fitting_batch_size(asked) == 11  # 2 GiB and one an image, of 13.5
    assert advice(asked)[0] == (
        "set schedule.batch_size to 8 instead of 16, and schedule.accumulate to 2, so that a step sees "
        "as many images; up to 11 fit"
    )


def test_where_nothing_was_measured_halves_are_advised() -> None:
    batch, precision, size, elsewhere = advice(need(accumulate=3))
    assert "to 8 instead of 16, and schedule.accumulate to 6, so that" in batch
    assert "schedule.precision to bf16" in precision
    assert "input_size to [928, 544] or smaller instead of [1333, 800]" in size
    assert "a worker whose GPU has more memory" in elsewhere


def test_a_detector_that_leaves_no_room_for_one_image_is_not_mended_by_a_batch() -> None:
    asked = need(peaks={1: 12 * GIB, 2: 13 * GIB}, device_bytes=10 * GIB)
    assert fitting_batch_size(asked) == 0
    assert not any("batch_size" in line for line in advice(asked))
    assert not any("batch_size" in line for line in advice(need(batch_size=1)))


@pytest.mark.parametrize("peaks", [{}, {4: GIB}])
def test_what_cannot_be_told_is_not_claimed(peaks: dict[int, int]) -> None:
    asked = need(peaks=peaks, device_bytes=8 * GIB)
    assert (estimated_peak(asked), fits(asked), fitting_batch_size(asked)) == (None, None, None)


def test_memory_that_does_not_grow_never_shrinks() -> None:
    assert estimated_peak(need(peaks={4: 2 * GIB, 8: GIB})) == 2 * GIB


def test_the_smallest_input_is_not_made_larger() -> None:
    assert not any("input_size" in line for line in advice(need(input_size=(64, 64))))


def test_of_processes_that_share_a_batch_the_whole_batch_is_named() -> None:
    asked = need(batch_size=8, processes=2, peaks={2: 6 * GIB, 4: 8 * GIB}, device_bytes=10 * GIB)
    assert "batch_size to 8 instead of 16, and schedule.accumulate to 2" in advice(asked)[0]
    assert "up to 10 fit" in advice(asked)[0]


def test_half_precision_is_advised_where_it_is_not_used_and_helps() -> None:
    assert not any("precision" in line for line in advice(need(precision="bf16")))
    assert not any("precision" in line for line in advice(need(on_gpu=False)))


def test_of_several_sizes_the_largest_is_judged_and_its_field_named() -> None:
    sizes = {"mode": "choice", "sizes": [(640, 480), (800, 600), (96, 64)]}
    spec = JobSpec.model_validate(
        {
            "kind": "train",
            "name": "scales",
            "dataset": {"format": "synthetic"},
            "input_size": [640, 480],
            "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"},
            "schedule": {"multi_scale": sizes, "precision": "bf16", "accumulate": 2},
        }
    )
    asked = need_of(spec, on_gpu=True)
    assert (asked.input_size, asked.accumulate, asked.precision) == ((800, 600), 2, "bf16")
    assert any("schedule.multi_scale.sizes to [544, 416] or smaller" in line for line in advice(asked))
