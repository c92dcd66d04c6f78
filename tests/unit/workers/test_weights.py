"""A worker reads weights by their path from the folders that its settings name."""

from pathlib import Path
from typing import Any

import pytest

from frs_core.spec import JobSpec
from service.db.ledger import Claim, Lease, StoredFile
from service.settings import Settings
from workers.weights import RefusedWeightsError, check_weights

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}
STORED = StoredFile(checkpoint_id="c", uri="file:w", sha256="0" * 64, size_bytes=1, step=0, epoch=0)


def claim_of(*, teacher: str, student: str | None = None, weights: Any = None) -> Claim:
    spec = JobSpec.model_validate(
        {
            "kind": "distill",
            "name": "student",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "detector": DETECTOR,
            "checkpoint": student,
            "teacher": {"detector": DETECTOR, "checkpoint": teacher},
            "method": {"name": "frs"},
        }
    )
    return Claim(
        lease=Lease(job_id="j", attempt_id="a", token=1),
        spec=spec,
        experiment_id=None,
        resume_from=None,
        weights=weights or {},
    )


def test_a_file_outside_the_roots_of_this_host_is_refused(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "out.pth").symlink_to(tmp_path / "other.pth")
    settings = Settings(data_dir=tmp_path, import_roots=(allowed,))
    inside = str(allowed / "w.pth")
    check_weights(claim_of(teacher=inside, student=inside), settings)
    for outside in ("/etc/w.pth", f"{allowed}/../other.pth", str(allowed / "out.pth"), "../other.pth"):
        for claim in (claim_of(teacher=outside), claim_of(teacher=inside, student=outside)):
            with pytest.raises(RefusedWeightsError, match="outside the folders for weights"):
                check_weights(claim, settings)
            check_weights(claim, settings.model_copy(update={"import_roots": ()}))


def test_what_is_no_file_of_this_host_is_not_asked_for_its_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, import_roots=(tmp_path,))
    check_weights(claim_of(teacher="zoo", student="https://download.pytorch.org/w.pth"), settings)
    check_weights(claim_of(teacher="0123456789abcdef", weights={"teacher": STORED}), settings)
