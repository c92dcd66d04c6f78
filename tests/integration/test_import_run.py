"""An upload, taken in by the child that runs every job, can be named by an experiment; its source goes."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import ImportSpec
from service.artifacts import ArtifactStore, object_key
from service.db.files import forget_imported
from service.db.models import Artifact, Checkpoint
from service.db.types import new_id
from service.jobs.errands import InputFile, submit_errand
from tests.fixtures.submissions import SMALL_DETECTOR
from workers.process import CHILD_COMMAND
from workers.supervisor import supervise
from workers.workplace import Workplace

if TYPE_CHECKING:
    from tests.fixtures.submissions import Submit
    from tests.fixtures.workplaces import ClaimNext

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_an_upload_becomes_weights_that_a_specification_names(
    workplace: Workplace,
    sessions: sessionmaker[Session],
    store: ArtifactStore,
    submit: "Submit",
    claim_next: "ClaimNext",
    tmp_path: Path,
) -> None:
    import safetensors.torch
    import torch

    tensors = {"module.a": torch.arange(6.0).reshape(2, 3)}
    torch.save({"state_dict": tensors, "meta": {"CLASSES": ("cell", "plate")}}, tmp_path / "a.pth")
    job_id, sha256 = new_id(), hashlib.sha256((tmp_path / "a.pth").read_bytes()).hexdigest()
    uri = store.put(tmp_path / "a.pth", object_key(job_id, 0, sha256, "a.pth"), sha256)
    spec = ImportSpec(name="theirs", source="inputs/checkpoint.pth", sha256=sha256)
    with sessions.begin() as session:
        files = [InputFile(spec.source, uri, sha256, (tmp_path / "a.pth").stat().st_size)]
        submit_errand(session, spec, job_id=job_id, files=files, max_attempts=3)
    settings = workplace.settings.model_copy(update={"grace_seconds": 30.0, "lease_seconds": 60.0})
    place = replace(workplace, settings=settings, child_command=CHILD_COMMAND)
    assert supervise(place, claim_next()) == "succeeded"
    with sessions.begin() as session:
        [row] = session.scalars(select(Checkpoint).where(Checkpoint.job_id == job_id))
        assert (row.kind, row.details["classes"]) == ("weights", ["cell", "plate"])
        assert forget_imported(session) == 1
        names = session.scalars(select(Artifact.name).where(Artifact.job_id == job_id)).all()
    assert names == ["imported.json"]
    store.fetch(row.uri, tmp_path / "b.safetensors", row.sha256)
    loaded = safetensors.torch.load_file(tmp_path / "b.safetensors")
    assert {name: tensor.tolist() for name, tensor in loaded.items()} == {"a": [[0, 1, 2], [3, 4, 5]]}
    submit(teacher={"detector": SMALL_DETECTOR, "checkpoint": row.id}, seeds=[0])
    assert claim_next().weights["checkpoint"].checkpoint_id == row.id
