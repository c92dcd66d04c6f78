"""Several methods in one row."""

from typing import Any

import pytest
from pydantic import ValidationError

from frs_core.methods import Signal
from frs_core.spec import MethodSpec


def faults(data: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        MethodSpec.model_validate(data)
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in caught.value.errors()]


def test_one_method_is_its_own_only_part() -> None:
    spec = MethodSpec(name="frs", weight=2.0, options={"feature_weight": 0.1})
    assert [(part.name, part.weight, part.options) for part in spec.parts] == [
        ("frs", 2.0, {"feature_weight": 0.1})
    ]


def test_combined_methods_are_called_by_their_names_and_share_the_weight() -> None:
    spec = MethodSpec.model_validate({"combine": ["fitnet", {"name": "frs", "weight": 3}], "weight": 2})
    assert spec.display_label == "fitnet+frs"
    assert [(part.name, part.weight) for part in spec.parts] == [("fitnet", 2), ("frs", 6)]
    assert spec.requires >= {Signal.NECK, Signal.CLS}
    assert MethodSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_faults_of_combined_methods_name_their_place() -> None:
    assert faults({"combine": ["frs", "frs"]})[0][0] == "combine"
    assert faults({"combine": ["frs"]})[0][0] == "combine"
    assert faults({"combine": ["none", "frs"]})[0][0] == "combine"
    assert faults({"combine": ["frs", "frz"]})[0][0] == "combine.1.name"
    assert faults({"combine": ["fitnet", "frs"], "options": {"feature_weight": 1}})[0][0] == "options"
    assert faults({"combine": ["fitnet", "frs"], "name": "frs"})[0][0] == "name"
    assert faults({"combine": [{"name": "frs", "options": {"weight": 1}}, "fitnet"]})[0][0] == (
        "combine.0.options.weight"
    )


def test_faults_of_one_method_name_their_place() -> None:
    assert faults({"name": "frz"})[0][0] == "name"
    assert faults({"name": "frs", "options": {"weight": 1}})[0][0] == "options.weight"
    assert faults({"name": "frs", "weight": 0})[0][0] == "weight"
