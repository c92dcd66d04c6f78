"""The form of the specification: made of its schema, filled from a specification, read back into one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from frs_core.spec import ExperimentSpec
from service.dashboard import examples
from service.dashboard.spec_form import layout
from service.dashboard.spec_form.layout import HIDDEN
from service.dashboard.spec_form.nodes import Field, Group
from service.dashboard.spec_form.places import place_of
from service.dashboard.spec_form.schema import experiment_form, sections
from service.dashboard.spec_form.texts import experiment_from_yaml, to_yaml
from service.dashboard.spec_form.values import boxes, fill, num_ticked, read

ROOT = Path(__file__).parents[4]
FILES = sorted(
    path for path in (ROOT / "examples").rglob("*.yaml") if "\nkind:" not in path.read_text(encoding="utf-8")
)
DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}
SMALL: dict[str, Any] = {
    "schema_version": 1,
    "name": "small",
    "dataset": {"format": "synthetic"},
    "input_size": [128, 96],
    "teacher": {"detector": DETECTOR},
    "student": {"detector": DETECTOR},
    "methods": ["none", "frs"],
}


def changed(**changes: Any) -> dict[str, Any]:
    return {**SMALL, **changes}


def trained(**schedule: Any) -> dict[str, Any]:
    return changed(teacher={"detector": DETECTOR, "train": schedule})


def fields() -> dict[str, Field]:
    return {node.path: node for node in experiment_form().walk() if isinstance(node, Field)}


def assert_comes_back(plain: dict[str, Any]) -> None:
    spec = ExperimentSpec.model_validate(plain)
    for given in (plain, spec.model_dump(mode="json")):
        reading = read(fill(given))
        assert reading.faults == ()
        again = ExperimentSpec.model_validate(yaml.safe_load(to_yaml(reading.plain)))
        assert again.model_dump() == spec.model_dump()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_fills_the_form_and_is_read_from_it_unchanged(path: Path) -> None:
    assert len(FILES) >= 9
    assert_comes_back(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "plain",
    [
        trained(),
        trained(batch_size=8, norm_eval=False, ema=None, milestones=[], clip_grad_norm=None),
        trained(optimizer={}, ema={"momentum": 0.1}, multi_scale={"sizes": [[64, 64], [96, 96]]}),
        trained(steps=100, decay="cosine", precision="bf16"),
        changed(schedule={"clip_grad_norm": None, "milestones": [], "epochs": 3, "ema": {}}),
        changed(
            student={"detector": {**DETECTOR, "backbone": {"type": "MobileNetV2", "widen_factor": 0.25}}},
            teacher={
                "detector": {**DETECTOR, "backbone": {"type": "ResNet", "depth": 101, "style": "caffe"}},
                "cache": {},
                "reuse": False,
                "min_ap": 0.0,
            },
        ),
        changed(tags=["a, b", "c"], submitted_by="Ada", seeds=[5, 3, 4], search_seed=7),
        changed(methods=["frs", "none"]),
        changed(methods=["none", {"name": "none", "label": "again", "init": "inherit"}, "frs"]),
        changed(methods=[{"combine": ["frs", "pkd"], "weight": 2}, {"name": "frs", "reuse": True}]),
        changed(expected={"teacher": 0.25, "none": 0}, resources={"gpus": 2, "data_workers": 3}),
        changed(dataset={"format": "coco", "root": "/a b/c", "options": {"images": "x: y"}}),
        changed(dataset={"format": "synthetic", "train": "null", "options": {"train_images": 7}}),
    ],
)
def test_what_examples_do_not_say_comes_back_too(plain: dict[str, Any]) -> None:
    assert_comes_back(plain)


def test_what_the_form_says_is_no_longer_than_what_was_written() -> None:
    assert read(fill(ExperimentSpec.model_validate(SMALL).model_dump(mode="json"))).plain == {
        **SMALL,
        "schedule": {"epochs": 12},
        "resources": {"processes": 1},
    }


def test_every_field_of_the_specification_has_one_in_the_form_and_is_on_the_page_once() -> None:
    spec = ExperimentSpec.model_validate(
        trained(ema={}, multi_scale={"sizes": [[64, 64], [96, 96]]}, optimizer={})
    )
    paths = {node.path for node in experiment_form().walk()}
    assert {f"schedule.{key}" for key in type(spec.schedule).model_fields} <= paths
    assert {f"teacher.train.{key}" for key in type(spec.schedule).model_fields} <= paths
    for part in ("teacher", "student", "resources", "dataset"):
        keys = {f"{part}.{key}" for key in type(getattr(spec, part)).model_fields}
        assert keys - paths == keys & HIDDEN
    assert set(ExperimentSpec.model_fields) - {"schema_version"} <= paths
    shown = [node.path for _, group in sections() for node in group.walk()]
    assert len(shown) == len(set(shown))
    assert set(fields()) <= set(shown)


def test_what_the_layout_names_is_there() -> None:
    known = {node.path for node in experiment_form().walk()}
    keys = {path.rpartition(".")[2] for path in known}
    named = {*layout.COMMON, *layout.NEVER_NONE, *layout.INHERITING, *layout.CHOICES}
    for table in (layout.LABELS, layout.HELP, layout.PLACEHOLDERS):
        named |= {place for place in table if not place.startswith("*.")}
        assert {place.split(".")[1] for place in table if place.startswith("*.")} <= keys
    assert named <= known


def test_a_field_knows_its_kind_choices_bounds_and_default() -> None:
    found = fields()
    assert found["schedule.optimizer.lr"].kind == "number"
    assert "more than 0, at most 100" in found["schedule.optimizer.lr"].help
    assert found["schedule.batch_size"].placeholder == "8"
    assert "1 to 1024" in found["schedule.batch_size"].help
    assert "null for none" in found["schedule.clip_grad_norm"].help
    assert "null for none" not in found["schedule.epochs"].help
    assert found["schedule.decay"].choices == ("step", "cosine", "linear", "constant")
    assert found["teacher.reuse"].kind == "switch"
    assert found["teacher.train.norm_eval"].choices == (True, False)
    assert found["teacher.train.batch_size"].placeholder == "as in the schedule"
    assert found["dataset.format"].choices == ("coco", "synthetic", "voc", "yolo")
    assert found["name"].required
    assert found["teacher.detector.backbone.groups"].of == {"ResNeXt": 32}
    parts = {node.path: node.presence for node in experiment_form().walk() if isinstance(node, Group)}
    assert parts["input_size"] == "pair"
    assert parts["teacher.train"] == parts["schedule.ema"] == "optional"
    assert parts["teacher.train.ema"] == "inherited"
    assert parts["student.detector.backbone"] == "union"


def test_descriptions_are_escaped_and_their_backticks_are_code() -> None:
    assert "<code>optimizer.lr</code>" in fields()["schedule.reference_batch"].help
    assert "zoo&#39;s" in fields()["schedule.norm_frozen"].help


def test_an_empty_form_says_only_what_is_required() -> None:
    reading = read(fill({}))
    assert reading.faults == ()
    detector: dict[str, Any] = {"detector": {}}
    assert reading.plain == {"schema_version": 1, "dataset": {}, "teacher": detector, "student": detector}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("schedule.epochs", " 12 ", 12),
        ("schedule.epochs", "many", "many"),
        ("schedule.epochs", "1_000", "1_000"),
        ("schedule.epochs", "1.5", "1.5"),
        ("schedule.epochs", "9" * 400, "9" * 400),
        ("schedule.gamma", "1e-3", 0.001),
        ("schedule.gamma", "nan", "nan"),
        ("schedule.clip_grad_norm", "null", None),
        ("schedule.decay", "sideways", "sideways"),
        ("schedule.milestones", "3, 5,", [3, 5]),
        ("schedule.milestones", "[]", []),
        ("schedule.milestones", "3, x", [3, "x"]),
        ("schedule.norm_eval", "maybe", "maybe"),
    ],
)
def test_a_text_becomes_the_value_it_stands_for_or_stays(name: str, text: str, value: object) -> None:
    schedule = read({**fill(SMALL), name: [text]}).plain["schedule"]
    assert schedule[name.removeprefix("schedule.")] == value


@pytest.mark.parametrize("text", ["8", " ", ""])
def test_a_default_need_not_be_said(text: str) -> None:
    assert "schedule" not in read({**fill(SMALL), "schedule.batch_size": [text]}).plain


def test_fields_of_parts_that_are_not_given_and_of_other_types_are_left_out() -> None:
    values = {
        **fill(SMALL),
        "schedule.ema.momentum": ["0.1"],
        "student.detector.backbone.groups": ["8"],
        "student.detector.backbone.type": ["MobileNetV2"],
        "student.detector.backbone.widen_factor": ["1"],
    }
    plain = read(values).plain
    assert "schedule" not in plain
    assert plain["student"]["detector"]["backbone"] == {"type": "MobileNetV2"}


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("dataset.options", "{a: 1", "not valid YAML"),
        ("dataset.options", "a: 1\na: 2", "given twice"),
        ("dataset.options", "\tx: 1", "not valid YAML"),
        ("expected", "a: !!binary YQ==", "holds a value"),
        ("expected", "[" * 3000, "nested too deeply"),
        ("methods.rows", "frs", "give a list"),
        ("methods.rows", "name: frs", "give a list"),
        ("methods.rows", "- \0", "not valid YAML"),
        ("methods.rows", "x" * 50_001, "at most 50000"),
        ("seeds", "[1", "not valid YAML"),
    ],
)
def test_a_text_that_is_no_yaml_is_a_fault_of_its_field(name: str, text: str, word: str) -> None:
    [fault] = read({**fill(SMALL), name: [text]}).faults
    assert fault.field == name
    assert word in fault.message


def test_boxes_are_ticked_as_far_as_they_keep_the_order() -> None:
    assert boxes()[:2] == ("none", "frs")
    values = fill(changed(methods=["none", "crosskd", "frs", {"name": "pkd", "weight": 2.0}]))
    assert values["methods"] == ["none", "crosskd"]
    assert values["methods.rows"] == ["- frs\n- {name: pkd, weight: 2.0}"]
    assert num_ticked(values) == 2


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("schedule.epochs", ("field-schedule.epochs", "")),
        ("seeds.1", ("field-seeds", "1")),
        ("input_size.0", ("field-input_size.0", "")),
        ("input_size", ("field-input_size", "")),
        ("teacher.detector.backbone.depth", ("field-teacher.detector.backbone.depth", "")),
        ("methods", ("field-methods", "")),
        ("methods.0.options", ("field-methods", "options")),
        ("methods.1.options.a", ("field-methods.rows", "row 1, options.a")),
        ("methods.rows", ("field-methods.rows", "")),
        ("Idempotency-Key", ("editor", "Idempotency-Key")),
    ],
)
def test_a_fault_has_the_nearest_place(field: str, place: tuple[str, str]) -> None:
    assert place_of(field, num_ticked=1) == place


@pytest.mark.parametrize("name", examples.TITLES)
def test_an_example_that_is_offered_is_valid_and_goes_into_the_form(name: str) -> None:
    assert_comes_back(experiment_from_yaml(examples.text(name)).content)


def test_the_demo_is_the_one_of_the_examples_folder_and_all_files_are_offered() -> None:
    folder = Path(examples.__file__).parent
    assert (folder / "demo.yaml").read_bytes() == (ROOT / "examples" / "demo.yaml").read_bytes()
    assert {path.stem for path in folder.glob("*.yaml")} == set(examples.TITLES)
