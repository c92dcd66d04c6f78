import itertools
from pathlib import Path

import pytest

from frs_core.errors import SpecError
from frs_core.yaml_file import read_yaml


def write(folder: Path, text: str) -> Path:
    path = folder / "a.yaml"
    path.write_text(text)
    return path


def test_aliases_are_followed(tmp_path: Path) -> None:
    content = read_yaml(write(tmp_path, "a: &a {x: 1}\nb: *a\n"), "experiment").content
    assert content == {"a": {"x": 1}, "b": {"x": 1}}


def test_a_few_lines_that_stand_for_billions_of_values_are_refused_at_once(tmp_path: Path) -> None:
    names = "abcdefghijk"
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in itertools.pairwise(names)]
    with pytest.raises(SpecError, match="stands for more than 100000 values; use fewer aliases"):
        read_yaml(write(tmp_path, "\n".join(lines)), "experiment")


@pytest.mark.parametrize("text", ["name: " + "[" * 5000, "a: &a [*a]", "a: &a {b: *a}"])
def test_endless_nesting_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match="nested too deeply"):
        read_yaml(write(tmp_path, text), "experiment")


def test_a_date_is_text(tmp_path: Path) -> None:
    assert read_yaml(write(tmp_path, "name: 2026-01-31"), "experiment").content == {"name": "2026-01-31"}


@pytest.mark.parametrize("text", ["name: !!binary YQ==", "name: !!set {a, b}"])
def test_values_that_json_does_not_have_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match="holds a value that no experiment can have"):
        read_yaml(write(tmp_path, text), "experiment")
