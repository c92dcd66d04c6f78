"""What --set and --seeds put in place of a file's own values."""

from typing import Any

import pytest
import typer

from service.cli.overrides import seeds_in, with_overrides

CONTENT: dict[str, Any] = {
    "name": "blood",
    "schedule": {"epochs": 8, "optimizer": {"lr": 0.001}},
    "methods": ["none", {"name": "frs", "options": {}}],
    "dataset": {"format": "synthetic", "options": {"train_images": 8}},
}


@pytest.mark.parametrize(
    ("assignment", "place", "value"),
    [
        ("schedule.epochs=24", ("schedule", "epochs"), 24),
        ("schedule.optimizer.lr=1e-3", ("schedule", "optimizer", "lr"), "1e-3"),  # as YAML reads it in a file
        ("schedule.optimizer.lr=0.01", ("schedule", "optimizer", "lr"), 0.01),
        ("name='a=b'", ("name",), "a=b"),
        ("schedule.ema.momentum=0.1", ("schedule", "ema", "momentum"), 0.1),
        ("teacher.train.epochs=2", ("teacher", "train", "epochs"), 2),
        ("methods.1.options.feature_weight=2", ("methods", 1, "options", "feature_weight"), 2),
        ("methods.0.weight=2", ("methods", 0), {"name": "none", "weight": 2}),
        ("methods=[pkd]", ("methods",), ["pkd"]),
        ("dataset.options.train_images=4", ("dataset", "options", "train_images"), 4),
        ("dataset.options.anything=x", ("dataset", "options", "anything"), "x"),
        ("expected.frs=0.3", ("expected", "frs"), 0.3),
        ("student.detector.backbone.depth=18", ("student", "detector", "backbone", "depth"), 18),
        ("submitted_by=null", ("submitted_by",), None),
    ],
)
def test_a_value_is_put_in_its_place(assignment: str, place: tuple[Any, ...], value: Any) -> None:
    found: Any = with_overrides(CONTENT, [assignment])
    for key in place:
        found = found[key]
    assert found == value


def test_the_file_itself_is_left_alone() -> None:
    with_overrides(CONTENT, ["schedule.epochs=1", "methods.1.weight=3"])
    assert CONTENT["schedule"]["epochs"] == 8
    assert CONTENT["methods"][1] == {"name": "frs", "options": {}}


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("shedule.epochs=1", "an experiment has no 'shedule'; did you mean schedule?"),
        ("schedule.epoch=1", "schedule has no 'epoch'; did you mean schedule.epochs?"),
        ("schedule.optimizer.rate=1", "schedule.optimizer has no 'rate'; it has "),
        ("methods.1.wieght=1", "did you mean methods.1.weight?"),
        ("student.detector.backbone.dept=1", "did you mean student.detector.backbone.depth?"),
        ("methods.2.weight=1", "methods is a list of 2: '2' is no item of it; give 0 to 1"),
        ("methods.first=1", "methods is a list of 2"),
        ("name.first=1", "name is 'blood', which has no parts"),
        ("schedule", "give KEY=VALUE"),
        ("=1", "give KEY=VALUE"),
        ("a..b=1", "give KEY=VALUE"),
        ("name=[", "is not valid YAML"),
        ("name=2020-01-01: x: y", "is not valid YAML"),
    ],
)
def test_what_cannot_be_put_anywhere_names_the_key_and_what_is_near(assignment: str, words: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        with_overrides(CONTENT, [assignment])
    assert words in caught.value.message
    assert f"--set {assignment}" in caught.value.message


@pytest.mark.parametrize(
    ("text", "seeds"), [("0", [0]), ("0,1,2", [0, 1, 2]), ("0-4", [0, 1, 2, 3, 4]), ("7, 1-2", [7, 1, 2])]
)
def test_seeds_are_listed_or_spanned(text: str, seeds: list[int]) -> None:
    assert seeds_in(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "-1", "4-0", "0-1000000000", "1,,2", "1.5"])
def test_what_is_no_seed_is_named(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--seeds"):
        seeds_in(text)
