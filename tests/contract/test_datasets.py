"""What every data set format promises, shown on the sample in tests/data/datasets/<format>.yaml."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from frs_core import datasets
from frs_core.datasets.check import check, read_split
from frs_core.datasets.records import SPLITS
from frs_core.errors import DatasetError
from frs_core.spec.dataset import DatasetSpec

SAMPLES = Path(__file__).parents[1] / "data" / "datasets"


@pytest.fixture(params=datasets.names())
def sample(request: pytest.FixtureRequest) -> DatasetSpec:
    """The sample of each format: three splits without errors. A new format brings its own."""
    given = yaml.safe_load((SAMPLES / f"{request.param}.yaml").read_text())
    if "root" in given:
        given["root"] = str(SAMPLES / given["root"])
    return DatasetSpec.model_validate(given)


def test_the_sample_has_no_faults(sample: DatasetSpec) -> None:
    report = check(sample)

    assert not report.errors
    assert len(report.classes) >= 2
    assert set(report.splits) == set(SPLITS)
    assert all(split.images and split.boxes for split in report.splits.values())


def test_records_are_what_training_may_rely_on(sample: DatasetSpec) -> None:
    for name in SPLITS:
        split = read_split(sample, name)
        assert len({image.id for image in split.images}) == len(split.images)
        assert len({image.name for image in split.images}) == len(split.images)
        for image in split.images:
            for box in image.boxes:
                x1, y1, x2, y2 = box.box
                assert 0 <= x1 < x2 <= image.width
                assert 0 <= y1 < y2 <= image.height
                assert 0 <= box.label < len(split.classes)


def test_all_splits_share_one_list_of_classes(sample: DatasetSpec) -> None:
    assert len({read_split(sample, name).classes for name in SPLITS}) == 1


def test_images_are_contiguous_bgr_of_the_recorded_size(sample: DatasetSpec) -> None:
    load_image = datasets.get(sample.format).load_image

    for record in read_split(sample, "train").images:
        pixels = load_image(record)
        assert pixels.shape == (record.height, record.width, 3)
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        assert np.array_equal(pixels, load_image(record))


def test_a_record_outlives_json(sample: DatasetSpec) -> None:
    record = read_split(sample, "val").images[0]
    load_image = datasets.get(sample.format).load_image

    again = type(record).model_validate_json(record.model_dump_json())

    assert again == record
    assert np.array_equal(load_image(again), load_image(record))


def test_the_hash_is_the_same_at_every_look(sample: DatasetSpec) -> None:
    assert check(sample).dataset_hash == check(sample, decode=False).dataset_hash is not None


def test_a_split_that_is_not_there_is_an_error_not_an_exception(sample: DatasetSpec) -> None:
    spec = DatasetSpec.model_validate(sample.model_dump() | {"val": "no-such-split"})

    report = check(spec)

    assert {fault.field for fault in report.errors} == {"dataset.val"}
    assert report.dataset_hash is None
    with pytest.raises(DatasetError, match="no-such-split"):
        read_split(spec, "val")


def test_a_wrong_root_is_one_error(sample: DatasetSpec) -> None:
    spec = DatasetSpec.model_validate(sample.model_dump() | {"root": "/no/such/folder"})

    assert [fault.field for fault in check(spec).errors] == ["dataset.root"]


def test_a_misspelt_option_is_refused_by_name(sample: DatasetSpec) -> None:
    given: dict[str, Any] = sample.model_dump() | {"options": {"colour_blind": True}}

    with pytest.raises(ValueError, match="colour_blind"):
        DatasetSpec.model_validate(given)


def test_no_format_loads_torch_or_mmdet() -> None:
    code = (
        "import sys; from frs_core import datasets; import frs_core.datasets.check, frs_core.zoo\n"
        "for name in datasets.names(): datasets.get(name)\n"
        "frs_core.zoo.names()\n"
        "print({'torch', 'mmdet', 'mmengine', 'mmcv', 'cv2'} & set(sys.modules))"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "set()"
