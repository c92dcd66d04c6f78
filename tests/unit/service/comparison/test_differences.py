"""Which settings differ."""

from service.comparison.differences import differences


def test_only_what_differs_is_named_and_what_is_missing_is_a_dash() -> None:
    found = differences(
        [
            {"name": "a", "seed": 0, "method": {"name": "frs", "label": "x", "options": {"weight": 1.5}}},
            {"name": "b", "seed": 1, "method": {"name": "frs", "label": "y"}, "input_size": [320, 240]},
        ]
    )
    assert [(each.path, each.values) for each in found] == [
        ("seed", ("0", "1")),
        ("method.options.weight", ("1.5", "–")),
        ("input_size", ("–", "[320, 240]")),
    ]


def test_a_seed_is_no_difference_of_rows() -> None:
    assert differences([{"seed": 0}, {"seed": 1}], seeds=False) == ()
