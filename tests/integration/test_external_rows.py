"""Rows from outside, judged by the child that runs every job."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import JobSpec, ScoreSpec
from service.artifacts import ArtifactStore
from service.comparison.load import comparison_of
from service.comparison.result import ComparisonRow
from service.db.models import Artifact, Evaluation, Experiment, Job
from service.jobs.errands import InputFile
from service.jobs.external import submit_external
from tests.unit.frs_core.training.conftest import DATASET, DETECTORS
from workers.process import CHILD_COMMAND
from workers.supervisor import supervise
from workers.workplace import Workplace

if TYPE_CHECKING:
    from tests.fixtures.submissions import Submit
    from tests.fixtures.workplaces import ClaimNext

pytestmark = [pytest.mark.torch, pytest.mark.slow]
TINY = DETECTORS["retinanet"]
Sessions = sessionmaker[Session]
Work = Callable[[], str | None]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a child does does not depend on the kind of database."""
    return sqlite_url


@pytest.fixture
def work(workplace: Workplace, claim_next: "ClaimNext") -> Work:
    """Runs the next job by the real child and gives its state."""
    settings = workplace.settings.model_copy(update={"grace_seconds": 30.0, "lease_seconds": 60.0})
    place = replace(workplace, settings=settings, child_command=CHILD_COMMAND)
    return lambda: supervise(place, claim_next())


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """Random weights whose class scores are near one half everywhere, so that there are boxes."""
    from frs_core.datasets.check import read_split
    from frs_core.detectors.builders import build_detector
    from frs_core.detectors.checkpoints import save_weights
    from frs_core.spec import DatasetSpec, DetectorSpec

    classes = read_split(DatasetSpec.model_validate(DATASET), "train").classes
    tensors = build_detector(DetectorSpec.model_validate(TINY), len(classes), seed=3).state_dict()
    tensors["bbox_head.retina_cls.bias"].zero_()
    path = tmp_path / "given.safetensors"
    save_weights(tensors, path, {})
    return path


@pytest.fixture
def judged(submit: "Submit", work: Work, given: Path) -> str:
    """The id of an experiment whose teacher was given and has been evaluated."""
    teacher = {"detector": TINY, "checkpoint": str(given)}
    experiment_id = submit(dataset=DATASET, teacher=teacher, student={"detector": TINY}, methods=["none"])
    assert work() == "succeeded"
    return experiment_id


def artifact(sessions: Sessions, job_id: str, name: str) -> Artifact:
    with sessions() as session:
        return session.scalars(select(Artifact).where(Artifact.job_id == job_id, Artifact.name == name)).one()


def job_of(sessions: Sessions, experiment_id: str, label: str) -> Job:
    with sessions() as session:
        return session.scalars(
            select(Job).where(Job.experiment_id == experiment_id, Job.label == label)
        ).one()


def evaluation(sessions: Sessions, job_id: str) -> Evaluation:
    with sessions() as session:
        return session.scalars(
            select(Evaluation).where(Evaluation.job_id == job_id, Evaluation.split == "test")
        ).one()


@pytest.fixture
def read(sessions: Sessions, store: ArtifactStore, tmp_path: Path) -> Callable[[str, str], Any]:
    def read(job_id: str, name: str) -> Any:
        """The JSON of a job's artifact."""
        row, path = artifact(sessions, job_id, name), tmp_path / "fetched.json"
        store.fetch(row.uri, path, row.sha256)
        return json.loads(path.read_bytes())

    return read


@pytest.fixture
def add(sessions: Sessions, store: ArtifactStore, tmp_path: Path, judged: str) -> Callable[[str, Any], None]:
    def add(label: str, content: Any) -> None:
        """Queue the scoring of predictions."""
        from frs_core.files import file_sha256

        path = tmp_path / f"{label}.json"
        path.write_text(json.dumps(content))
        sha256 = file_sha256(path)
        file = InputFile(
            "inputs/predictions.json", store.put(path, f"jobs/{label}/predictions.json", sha256), sha256, 1
        )
        with sessions.begin() as session:
            dataset = session.get_one(Experiment, judged).spec["dataset"]
            spec = ScoreSpec(name=label, dataset=dataset, predictions=file.name, sha256=sha256)
            submit_external(session, judged, spec, label=label, files=[file], max_attempts=3)

    return add


def rows(sessions: Sessions, experiment_id: str) -> dict[str, ComparisonRow]:
    with sessions() as session:
        return {row.label: row for row in comparison_of(session, experiment_id).rows}


def test_predictions_of_a_job_score_exactly_what_the_job_did_as_a_list_and_as_a_document(
    sessions: Sessions, judged: str, work: Work, read: Any, add: Any
) -> None:
    ours = job_of(sessions, judged, "teacher")
    predictions, truth = read(ours.id, "predictions_test.json"), read(ours.id, "ground_truth_test.json")
    direct = evaluation(sessions, ours.id)
    assert predictions
    assert direct.metrics["ap"] > 0, "or equal numbers would say little"
    add("again", predictions)
    document = {
        "images": [{**image, "id": image["id"] + 100} for image in truth["images"]],
        "categories": [{**category, "id": category["id"] + 50} for category in truth["categories"]],
        "annotations": [
            {**item, "image_id": item["image_id"] + 100, "category_id": item["category_id"] + 50}
            for item in predictions
        ],
    }
    add("document", document)
    assert [work(), work()] == ["succeeded", "succeeded"]

    for label in ("again", "document"):
        found = evaluation(sessions, job_of(sessions, judged, label).id)
        for name in ("metrics", "per_class", "evaluator", "dataset_hash", "num_images", "num_boxes"):
            assert getattr(found, name) == getattr(direct, name), name
        kept = artifact(sessions, found.job_id, "matches_test.npz")
        assert kept.sha256 == artifact(sessions, ours.id, "matches_test.npz").sha256
    compared = rows(sessions, judged)
    assert compared["again"].source == "external"
    assert compared["again"].metrics == compared["teacher"].metrics


def test_perfect_boxes_score_one_and_faulty_ones_fail_their_job_by_name_and_nothing_else(
    sessions: Sessions, judged: str, work: Work, read: Any, add: Any
) -> None:
    truth = read(job_of(sessions, judged, "teacher").id, "ground_truth_test.json")
    found = [{**item, "score": 1.0} for item in truth["annotations"]]
    add("perfect", found)
    add("foreign", [found[0], {**found[1], "image_id": 12345}])
    add("partial", found[:1])
    assert [work(), work(), work()] == ["succeeded", "failed", "succeeded"]
    failed = job_of(sessions, judged, "foreign")
    assert (failed.reason_code, failed.reason_field) == ("invalid_predictions", "predictions.1.image_id")
    assert failed.reason is not None
    assert failed.reason.startswith("entry 2 of 2: image_id 12345: no image of the split has it; known:")
    assert failed.num_attempts == 1, "what its user must mend is not tried again"
    compared = rows(sessions, judged)
    assert "foreign" not in compared
    assert compared["perfect"].metrics["ap"].mean == pytest.approx(1.0)
    with sessions() as session:
        from service.db.queries import experiment_warnings

        told = [event.message for name, event in experiment_warnings(session, judged) if name == "partial"]
    assert any("1 of 2 images of test have no prediction" in message for message in told)


def test_a_checkpoint_from_outside_is_evaluated_like_the_experiments_own(
    sessions: Sessions, judged: str, work: Work, given: Path
) -> None:
    ours = job_of(sessions, judged, "teacher")
    parts = {name: ours.spec[name] for name in ("dataset", "input_size", "detector")}
    spec = JobSpec(kind="evaluate", name="theirs", checkpoint=str(given), **parts)
    with sessions.begin() as session:
        submit_external(session, judged, spec, label="theirs", max_attempts=3)
    assert work() == "succeeded"
    compared = rows(sessions, judged)
    assert compared["theirs"].source == "external"
    assert compared["theirs"].metrics == compared["teacher"].metrics
    assert compared["theirs"].params == compared["teacher"].params
