"""What keeping a teacher's outputs would take, told without torch."""

import pytest
from pydantic import ValidationError

from frs_core.methods import CACHED, Signal
from frs_core.spec import DetectorSpec
from frs_core.spec.cache import GIB, CacheSize, CacheSpec, cache_size

TEACHER = DetectorSpec(zoo="retinanet/retinanet_r50_fpn_1x_coco", fpn_channels=96)
LOCATIONS = 40 * 32 + 20 * 16 + 10 * 8 + 5 * 4 + 3 * 2  # of 320 x 256 at strides 8 to 128
BOTH = frozenset({Signal.NECK, Signal.CLS})


def size(cache: CacheSpec, image_sizes: list[tuple[int, int]], flip_probability: float = 0.5) -> CacheSize:
    return cache_size(
        cache,
        TEACHER,
        image_sizes=image_sizes,
        input_size=(320, 240),
        num_classes=3,
        flip_probability=flip_probability,
        requires=BOTH,
    )


def test_images_of_one_shape_count_once_for_each_flip() -> None:
    each = LOCATIONS * (96 + 9 * 3)
    found = size(CacheSpec(), [(640, 480)] * 5)
    assert (found.num_images, found.num_flips, found.num_batch_sizes) == (5, 2, 1)
    assert found.size_bytes == 5 * 2 * each * 4
    assert size(CacheSpec(), [(640, 480)] * 5, flip_probability=1.0).size_bytes == 5 * each * 4
    assert size(CacheSpec(precision="fp16"), [(640, 480)] * 5).size_bytes == 5 * 2 * each * 2


def test_images_of_several_shapes_count_for_each_size_that_their_batch_may_have() -> None:
    """A landscape image lies in batches of 320 x 256 and, with a portrait one, of 320 x 320."""
    landscape, portrait = size(CacheSpec(), [(640, 480)]), size(CacheSpec(), [(480, 640)])
    both = size(CacheSpec(), [(640, 480), (480, 640)])
    square = (
        size(CacheSpec(), [(640, 480), (480, 640)]).size_bytes - landscape.size_bytes - portrait.size_bytes
    )
    locations = 40 * 40 + 20 * 20 + 10 * 10 + 5 * 5 + 3 * 3
    assert both.num_batch_sizes == 4
    assert square == 2 * 2 * locations * (96 + 9 * 3) * 4


def test_what_does_not_fit_is_refused_with_numbers_that_would_do() -> None:
    much = size(CacheSpec(max_gib=0.001), [(640, 480)] * 205)
    assert much.excess(CacheSpec()) is None
    reason = much.excess(CacheSpec(max_gib=0.001))
    assert reason is not None
    assert "205 images x 2 flips" in reason
    assert "precision: fp16" in reason
    wanted = float(reason.partition("max_gib: ")[2].split(",")[0])
    assert wanted * GIB >= much.size_bytes
    assert much.excess(CacheSpec(max_gib=wanted)) is None


def test_every_signal_counts() -> None:
    def of(requires: frozenset[Signal]) -> int:
        return cache_size(
            CacheSpec(),
            TEACHER,
            image_sizes=[(640, 480)],
            input_size=(320, 240),
            num_classes=3,
            flip_probability=0,
            requires=requires,
        ).size_bytes

    every = CACHED
    assert all(of(every - {signal}) < of(every) for signal in every - {Signal.NECK})


def test_a_cache_of_no_size_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_gib"):
        CacheSpec(max_gib=0)
