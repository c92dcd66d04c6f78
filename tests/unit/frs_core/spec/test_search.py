"""Values that are tried before a method is judged."""

from typing import Any

import pytest
from pydantic import ValidationError

from frs_core.spec import ExperimentSpec, expand
from frs_core.spec.search import SearchSpec

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "base_channels": 8}
WEIGHTS = {"parameter": "options.feature_weight", "values": [0.1, 1.0, 10.0]}


def experiment(*methods: Any, **changes: Any) -> dict[str, Any]:
    return {
        "name": "search",
        "dataset": {"format": "synthetic"},
        "input_size": [96, 64],
        "teacher": {"detector": DETECTOR},
        "student": {"detector": DETECTOR},
        "methods": list(methods),
        **changes,
    }


def faults(data: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        ExperimentSpec.model_validate(data)
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in caught.value.errors()]


def test_a_parameter_with_its_values_is_a_grid_of_one() -> None:
    spec = SearchSpec.model_validate(WEIGHTS)
    assert spec.budget == 3
    assert spec.candidates() == [{"options.feature_weight": value} for value in (0.1, 1.0, 10.0)]
    assert SearchSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_a_budget_below_the_grid_is_spread_over_it() -> None:
    spec = SearchSpec.model_validate(
        {"grid": {"weight": [1, 2], "options.feature_weight": [3, 4, 5]}, "budget": 3}
    )
    assert [tuple(values.values()) for values in spec.candidates()] == [(1, 3), (1, 5), (2, 4)]


def test_searches_come_after_the_teacher_and_before_what_is_judged() -> None:
    spec = ExperimentSpec.model_validate(
        experiment("none", {"name": "frs", "search": WEIGHTS}, seeds=[0, 1], search_seed=7)
    )
    jobs = expand(spec)
    assert [(job.role, job.label, job.spec.seed) for job in jobs] == [
        ("teacher", "teacher", 0),
        *[("search", "frs", 7)] * 3,
        ("student", "none", 0),
        ("student", "frs", 0),
        ("student", "none", 1),
        ("student", "frs", 1),
    ]
    tried = [job.spec.method.options for job in jobs[1:4] if job.spec.method]
    assert tried == [{"feature_weight": value} for value in (0.1, 1.0, 10.0)]
    assert jobs[1].spec.name == "frs search feature_weight=0.1"


def test_what_a_search_gives_need_not_be_published() -> None:
    cascade = {**DETECTOR, "zoo": "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco"}
    pair = {"teacher": {"detector": cascade}, "student": {"detector": cascade}}
    grid = {"options.feature_weight": [0.1, 1.0], "options.classification_weight": [1.0]}
    spec = ExperimentSpec.model_validate(experiment({"name": "frs", "search": {"grid": grid}}, **pair))
    assert len(expand(spec)) == 4
    assert faults(experiment("frs", **pair))[0][0] == "methods.0.options"


@pytest.mark.parametrize(
    ("search", "place", "words"),
    [
        ({"parameter": "options.feature_weight"}, "search.values", "give both"),
        ({**WEIGHTS, "grid": {"weight": [1, 2]}}, "search.grid", "either"),
        ({**WEIGHTS, "values": [1, 1]}, "search.grid", "different values"),
        ({**WEIGHTS, "values": [1]}, "search.budget", "greater than or equal to 2"),
        ({**WEIGHTS, "budget": 4}, "search.budget", "only 3 combinations"),
        ({**WEIGHTS, "parameter": "init"}, "search.grid", "cannot be searched"),
        ({**WEIGHTS, "parameter": "options.feature_wait"}, "search.grid", "feature_wait=0.1: Extra inputs"),
        ({**WEIGHTS, "values": [1, -1]}, "search.grid", "feature_weight=-1"),
        ({**WEIGHTS, "parameter": "combine.0.weight"}, "search.grid", "no such place"),
    ],
)
def test_a_faulty_search_names_its_place(search: dict[str, Any], place: str, words: str) -> None:
    found = faults(experiment({"name": "frs", "search": search}))
    assert found[0][0] == f"methods.0.{place}"
    assert words in found[0][1]


def test_every_method_is_given_as_many_tries() -> None:
    two = {"parameter": "weight", "values": [1, 2]}
    found = faults(
        experiment({"name": "frs", "search": WEIGHTS}, {"name": "frs", "label": "b", "search": two})
    )
    assert found[0][0] == "methods"
    assert "same `budget` (there are frs 3, b 2)" in found[0][1]


def test_the_seed_that_chooses_is_not_judged() -> None:
    found = faults(experiment({"name": "frs", "search": WEIGHTS}, seeds=[0, 1000]))
    assert found[0][0] == "search_seed"
