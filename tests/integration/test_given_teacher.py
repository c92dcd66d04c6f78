"""An experiment under a teacher from outside, run by the child that runs every job."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore
from service.db.models import Artifact, Checkpoint, Job
from tests.unit.frs_core.training.conftest import DATASET, DETECTORS
from workers.process import CHILD_COMMAND
from workers.supervisor import supervise
from workers.workplace import Workplace

if TYPE_CHECKING:
    from tests.fixtures.https_server import HttpsServer
    from tests.fixtures.submissions import Submit
    from tests.fixtures.workplaces import ClaimNext

pytestmark = [pytest.mark.torch, pytest.mark.slow]
TINY = DETECTORS["retinanet"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a child does does not depend on the kind of database."""
    return sqlite_url


def test_a_teacher_is_fetched_once_and_its_students_learn_from_what_its_job_stored(
    workplace: Workplace,
    sessions: sessionmaker[Session],
    store: ArtifactStore,
    submit: "Submit",
    claim_next: "ClaimNext",
    https_server: "HttpsServer",
    tmp_path: Path,
) -> None:
    import torch

    from frs_core.detectors.builders import build_detector
    from frs_core.spec import DetectorSpec

    detector = build_detector(DetectorSpec.model_validate(TINY), 80, seed=3)
    torch.save({"state_dict": detector.state_dict(), "meta": {}}, tmp_path / "coco.pth")
    https_server.files["/zoo/coco.pth"] = (tmp_path / "coco.pth").read_bytes()
    experiment_id = submit(
        dataset=DATASET,
        teacher={
            "detector": TINY,
            "checkpoint": https_server.url("/zoo/coco.pth"),
            "train": {"epochs": 1},
        },
        student={"detector": TINY, "checkpoint": https_server.url("/zoo/coco.pth")},
        methods=["frs"],
    )
    own = (https_server.host,)
    settings = workplace.settings.model_copy(
        update={
            "weights_hosts": own,
            "weights_private_hosts": own,
            "grace_seconds": 30.0,
            "lease_seconds": 60.0,
        }
    )
    place = replace(workplace, settings=settings, child_command=CHILD_COMMAND)
    for _ in range(2):
        assert supervise(place, claim_next()) == "succeeded"

    assert https_server.asked == ["/zoo/coco.pth"], "the student's start came from the mirror"
    with sessions() as session:
        jobs = {
            job.role: job for job in session.scalars(select(Job).where(Job.experiment_id == experiment_id))
        }
        kind = (Checkpoint.job_id == jobs["teacher"].id, Checkpoint.kind == "weights")
        stored = session.scalars(select(Checkpoint).where(*kind)).one()
        reports = {
            artifact.name: artifact
            for artifact in session.scalars(select(Artifact).where(Artifact.job_id == jobs["student"].id))
        }
    learnt_from = tmp_path / "report.json"
    report = reports["imported_teacher.json"]
    store.fetch(report.uri, learnt_from, report.sha256)
    assert json.loads(learnt_from.read_text())["sha256"] == stored.sha256
    assert "imported_checkpoint.json" in reports
