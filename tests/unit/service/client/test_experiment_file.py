from pathlib import Path

import pytest

from service.client.experiment_file import FileFault, read_experiment_file


def write(folder: Path, text: str) -> Path:
    path = folder / "exp.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: a\nname: b\n", r"the key 'name' is given twice(.|\n)*line 2"),
        ("dataset: {root: a, root: b}", "the key 'root' is given twice"),
        ("name: [", "not valid YAML"),
        ("? [a]\n: b", "not valid YAML"),
        ("- a\n- b", "top level must be keys"),
        ("", "top level must be keys"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_what_is_no_experiment_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(FileFault, match=reason):
        read_experiment_file(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match=r"cannot read .*absent.yaml: No such file"):
        read_experiment_file(tmp_path / "absent.yaml")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "exp.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFault, match="not UTF-8"):
        read_experiment_file(tmp_path / "exp.yaml")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("teacher.pth", "{folder}/teacher.pth"),
        ("../weights/teacher", "{parent}/weights/teacher"),
        ("/elsewhere/t.pth", "/elsewhere/t.pth"),
        ("https://host/t.pth", "https://host/t.pth"),
        ("zoo", "zoo"),
        ("0a1b2c3d", "0a1b2c3d"),
        ("present", "{folder}/present"),
    ],
)
def test_a_checkpoint_is_made_absolute_only_if_it_is_a_path(
    tmp_path: Path, given: str, expected: str
) -> None:
    (tmp_path / "present").touch()
    file = read_experiment_file(write(tmp_path, f"teacher: {{checkpoint: {given!r}}}"))
    wanted = expected.format(folder=tmp_path, parent=tmp_path.parent)
    assert file.content["teacher"]["checkpoint"] == wanted


def test_an_empty_root_stays_empty(tmp_path: Path) -> None:
    file = read_experiment_file(write(tmp_path, "dataset: {format: synthetic, root: ''}"))
    assert file.content["dataset"]["root"] == ""


def test_fields_are_found_by_line(tmp_path: Path) -> None:
    file = read_experiment_file(write(tmp_path, "name: a\nmethods:\n  - none\n  - name: frs\n    x: 1\n"))
    assert file.line("methods.1.x") == 5
    assert file.line("methods.1.options.deep") == 4
    assert file.line("methods.7") == 2
    assert file.line("absent") is None
