"""A worker reads a data set where its host has it: an archive is fetched and unpacked once."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from frs_core.datasets.check import check
from frs_core.files import file_sha256
from frs_core.spec import DetectorSpec, PredictSpec, PreflightSpec, dataset_of
from frs_core.spec.dataset import DatasetSpec
from service.artifacts import open_store
from service.db.ledger import Claim, Lease, StoredInput
from service.settings import Settings
from workers.datasets import RefusedDatasetError, placed

VERSION = "0123456789abcdef"


def claim_of(dataset: DatasetSpec, archive: StoredInput | None = None) -> Claim:
    return Claim(
        lease=Lease(job_id="j", attempt_id="a", token=1),
        spec=PreflightSpec(name="look", dataset=dataset),
        experiment_id=None,
        resume_from=None,
        weights={},
        archive=archive,
    )


def test_an_archive_is_unpacked_at_its_first_use_and_judged_by_its_hash(
    voc_copy: Path, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    store = open_store(settings.resolved_artifacts_url)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in voc_copy.rglob("*.*"):
            archive.write(path, path.relative_to(voc_copy.parent))
    file = tmp_path / "cells.zip"
    file.write_bytes(content.getvalue())
    sha256 = file_sha256(file)
    stored = StoredInput(uri=store.put(file, f"datasets/{VERSION}/archive", sha256), sha256=sha256)
    known = check(DatasetSpec(format="voc", root=str(voc_copy), test="test")).dataset_hash
    dataset = DatasetSpec.model_validate(
        {
            "format": "voc", "root": f"upload:{VERSION}", "test": "test", "registered": "cells@1",
            "version": {"id": VERSION, "sha256": known},
        }
    )  # fmt: skip
    found = dataset_of(placed(claim_of(dataset, stored), store, settings).spec)
    assert found is not None
    assert Path(found.root) == tmp_path / "data" / "datasets" / VERSION
    assert check(found).dataset_hash == known
    store.delete(stored.uri)  # what is unpacked is not fetched again
    assert dataset_of(placed(claim_of(dataset, stored), store, settings).spec) == found
    next((Path(found.root) / "JPEGImages").glob("cat-1.*")).write_bytes(
        next((voc_copy / "JPEGImages").glob("dog-1.*")).read_bytes()
    )
    [changed] = check(found).errors
    assert (changed.code, changed.field, "cells@1" in changed.message) == (
        "content_changed", "dataset.registered", True,
    )  # fmt: skip


def test_a_folder_outside_the_roots_of_this_host_is_refused(voc_copy: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", dataset_roots=(tmp_path / "allowed",))
    store = open_store(settings.resolved_artifacts_url)
    claim = claim_of(DatasetSpec(format="voc", root=str(voc_copy)))
    with pytest.raises(RefusedDatasetError, match="FRS_DATASET_ROOTS"):
        placed(claim, store, settings)
    inside = settings.model_copy(update={"dataset_roots": (voc_copy.parent,)})
    assert placed(claim, store, inside) is claim
    (voc_copy / "JPEGImages" / "out").symlink_to("/etc")
    with pytest.raises(RefusedDatasetError, match="JPEGImages/out"):
        placed(claim, store, inside)


def test_pictures_outside_the_roots_of_this_host_are_refused(tmp_path: Path) -> None:
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    allowed.mkdir()
    other.mkdir()
    settings = Settings(data_dir=tmp_path / "data", dataset_roots=(allowed,))
    store = open_store(settings.resolved_artifacts_url)

    def look(path: Path) -> Claim:
        detector = DetectorSpec(zoo="retinanet/retinanet_r50_fpn_1x_coco")
        spec = PredictSpec(
            name="p", detector=detector, classes=("red",), input_size=(64, 64), checkpoint="w", path=str(path)
        )
        claim = replace(claim_of(DatasetSpec(format="synthetic")), spec=spec)
        return placed(claim, store, settings)

    assert look(allowed).spec.kind == "predict"
    (allowed / "out").symlink_to(other)
    for place, word in (
        (other, "other lies outside"),
        (allowed / "out", "out lies outside"),
        (allowed, "out"),
    ):
        with pytest.raises(RefusedDatasetError, match=word):
            look(place)
