from pathlib import Path

import pytest

from frs_core.errors import SpecError
from frs_core.job_file import read_job

JOB = """\
kind: evaluate
name: one
dataset: {format: voc, root: images, train: train, val: val}
input_size: [64, 64]
detector: {zoo: retinanet/retinanet_r50_fpn_1x_coco}
checkpoint: weights/a.pth
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "job.yaml"
    path.write_text(text)
    return path


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    job = read_job(write(tmp_path, JOB))
    assert job.dataset.root == str(tmp_path / "images")
    assert job.checkpoint == str(tmp_path / "weights/a.pth")


def test_every_fault_has_a_line_with_its_field_and_value(tmp_path: Path) -> None:
    text = JOB.replace("name: one", "nmae: one") + "seed: -1\n"
    with pytest.raises(SpecError) as caught:
        read_job(write(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("job.yaml is not a valid job")
    assert "  nmae: unknown key; correct its spelling or remove it; got 'one'" in lines
    assert "  name: is required" in lines
    assert any(line.startswith("  seed: ") and line.endswith("got -1") for line in lines)


def test_a_file_that_is_no_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="holds no job"):
        read_job(write(tmp_path, "- 1\n"))
