import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VALID = """
schema_version: 1
name: tiny
dataset: {format: synthetic, options: {train_images: 8, val_images: 4, width: 96, height: 64, seed: 0}}
input_size: [96, 64]
teacher:
  detector: {zoo: retinanet/retinanet_r50_fpn_1x_coco}
student:
  detector: {zoo: retinanet/retinanet_r50_fpn_1x_coco}
methods: [none, frs]
seeds: [0, 1]
"""
Run = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "exp.yaml"
    path.write_text(VALID)
    return path


def test_a_valid_file_is_summed_up(run: Run, file: Path) -> None:
    result = run("validate", file)
    assert result.code == 0
    assert "4 students (2 methods x 2 seeds)" in result.out
    assert "train 8, val 4" in result.out


@pytest.mark.parametrize(
    ("old", "new", "field", "line"),
    [
        ("none, frs", "none, fsr", "methods.1.name", 9),
        ("seeds:", "sedes:", "sedes", 10),
        ("name: tiny\n", "", "name", None),
        ("[96, 64]", "[96, 4]", "input_size", 4),
        ("seed: 0", "sead: 0", "dataset.options.sead", 3),
        (
            "{zoo: retinanet/retinanet_r50_fpn_1x_coco}\nstudent",
            "{zoo: yolo9000}\nstudent",
            "teacher.detector.zoo",
            6,
        ),
    ],
)
def test_a_fault_names_its_field_and_line(
    run: Run, file: Path, old: str, new: str, field: str, line: int | None
) -> None:
    assert old in VALID
    file.write_text(VALID.lstrip().replace(old, new))
    result = run("validate", file)
    assert result.code == 2
    assert field in result.err
    if line is not None:
        assert f"{field} (line {line})" in result.err
    as_json = run("validate", file, "--json")
    assert as_json.code == 2
    answer = json.loads(as_json.out)
    assert answer["valid"] is False
    assert answer["faults"][0]["field"].startswith(field)


def test_data_that_lie_on_another_machine_are_pointed_out(run: Run, file: Path) -> None:
    file.write_text(
        "\n".join(
            "dataset: {format: voc, root: nowhere}" if line.startswith("dataset") else line
            for line in VALID.splitlines()
        )
    )
    result = run("validate", file)
    assert result.code == 0
    assert "dataset.root" in result.out
    shown = "".join(result.out.split())  # however the terminal wraps it
    assert str(file.parent / "nowhere") in shown
    assert "onlythespecificationwaschecked" in shown


def test_a_file_that_is_no_yaml_is_bad_usage(run: Run, file: Path) -> None:
    file.write_text("name: [")
    assert run("validate", file).code == 2
