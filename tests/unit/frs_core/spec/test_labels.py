"""A label names one row of a comparison, and no two rows may share it."""

from typing import Any

import pytest
from pydantic import ValidationError

from frs_core.spec import ExperimentSpec

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}


def labels(*methods: Any) -> list[str]:
    spec = ExperimentSpec.model_validate(
        {
            "name": "labels",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "teacher": {"detector": DETECTOR},
            "student": {"detector": DETECTOR},
            "methods": methods,
        }
    )
    return [method.display_label for method in spec.methods]


def test_a_method_may_carry_its_own_name_or_a_new_one() -> None:
    named = ({"name": "none", "label": "none"}, {"name": "frs", "label": "frs-strong"})
    assert labels(*named) == ["none", "frs-strong"]


@pytest.mark.parametrize("label", ["teacher", "none"])
def test_a_label_that_stands_for_another_row_is_refused(label: str) -> None:
    with pytest.raises(ValidationError, match=f"{label!r} is what a comparison calls another row"):
        labels({"name": "frs", "label": label})
