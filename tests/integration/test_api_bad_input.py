"""Experiments and jobs that the API refuses: a problem names the field, and nothing is queued."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.fixtures.problems import problem
from tests.fixtures.server import Body

EXPERIMENTS, JOBS = "/api/v1/experiments", "/api/v1/jobs"
FCOS = {"zoo": "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco"}
Change = Callable[[Body], object]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Refusing needs one kind of database only; what PostgreSQL alone cannot store has a test of its own."""
    return sqlite_url


def put(body: Body, path: str, value: object) -> None:
    """Set the value at a dotted path."""
    *parents, last = path.split(".")
    place: Any = body
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value


def setting(path: str, value: object) -> Change:
    return lambda body: put(body, path, value)


def refused(api: TestClient, body: Body, path: str = EXPERIMENTS, status: int = 422) -> Body:
    """The problem with which a body is refused; nothing was queued."""
    response = api.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    return problem(api, response, status)


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        (setting("methods", ["nonesuch"]), "methods.0.name", "known: crosskd, cwd"),
        (setting("methods", []), "methods", "at least 1"),
        (setting("methods", "frs"), "methods", "tuple"),
        (setting("methods", ["frs", "frs"]), "methods", "label"),
        (setting("methods", [{"name": "frs", "options": {"feature_wait": 1}}]),
         "methods.0.options.feature_wait", "unknown key"),
        (setting("methods", [{"name": "frs", "options": {"feature_weight": -1}}]),
         "methods.0.options.feature_weight", "greater than"),
        (setting("methods", [{"name": "none", "options": {"x": float("nan")}}]), "methods.0.options.x", ""),
        (setting("shedule", {}), "shedule", "unknown key"),
        (setting("schedule.epoch", 3), "schedule.epoch", "unknown key"),
        (setting("schedule.epochs", 0), "schedule.epochs", "greater than or equal to 1"),
        (setting("schedule.epochs", 10**400), "schedule.epochs", ""),
        (setting("schedule.epochs", "many"), "schedule.epochs", "integer"),
        (setting("schedule.epochs", [1]), "schedule.epochs", "integer"),
        (setting("schedule.batch_size", 5), "schedule.batch_size", "at most 4"),
        (setting("teacher.train", {"batch_size": 99}), "teacher.train.batch_size", "at most 4"),
        (setting("schedule.optimizer", {"lr": float("nan")}), "schedule.optimizer.lr", "finite"),
        (setting("schedule.optimizer", {"lr": float("inf")}), "schedule.optimizer.lr", ""),
        (setting("schedule.optimizer", {"lr": "1e-3\0"}), "schedule.optimizer.lr", ""),
        (setting("teacher.detector.zoo", "retinanet/retinanet_r51_fpn_1x_coco"), "teacher.detector.zoo",
         "retinanet/retinanet_r50_fpn_1x_coco"),
        (setting("student.detector.zoo", "x" * 100_000), "student.detector.zoo", "zoo"),
        (setting("student.detector.backbone_depth", 19), "student.detector.backbone_depth", "18"),
        (setting("student.detector", FCOS), "methods.1", "anchors per location"),
        (setting("name", "x" * 10_000), "name", "120 characters"),
        (setting("name", "<script>alert(1)</script>"), "name", "letters, digits"),
        (setting("name", ""), "name", "at least 1"),
        (setting("name", "line\nbreak"), "name", "letters, digits"),
        (setting("tags", ["<b>"]), "tags.0", "letters, digits"),
        (setting("tags", [str(number) for number in range(1000)]), "tags", "20"),
        (setting("seeds", [1, 1]), "seeds", "twice"),
        (setting("seeds", [2**63]), "seeds.0", ""),
        (setting("input_size", [320]), "input_size.1", "required"),
        (setting("input_size", [320, 8]), "input_size", "64"),
        (setting("schema_version", 2), "schema_version", "1"),
        (setting("dataset.format", "nonesuch"), "dataset.format", "known: coco"),
        (setting("dataset.options.train_images", 0), "dataset.options.train_images", ""),
        (setting("dataset.options.colour", "red"), "dataset.options.colour", ""),
        (setting("dataset", {"format": "voc", "root": "data/bccd"}), "dataset.root", "absolute"),
        (setting("dataset", {"format": "voc"}), "dataset.root", "folder"),
        (setting("dataset", {"format": "voc", "root": "/nowhere/at/all"}), "dataset.root", "/nowhere/at/all"),
        (setting("dataset", {"format": "voc", "root": "/x\0y"}), "dataset.root", "null"),
        (setting("dataset", {"format": "coco", "root": "/tmp", "train": "a\0b.json"}), "dataset.train", ""),
        (setting("dataset.test", "\ud800"), "dataset.test", ""),
        (setting("teacher.checkpoint", "weights.pth"), "teacher.checkpoint", "absolute path"),
        (setting("student.checkpoint", "https://example.org/a.pth"), "student.checkpoint", "WEIGHTS_HOSTS"),
        (setting("student.checkpoint", "http://download.pytorch.org/a.pth"), "student.checkpoint", "https"),
        (setting("student.checkpoint", "https://me@example.org/a.pth"), "student.checkpoint", "user"),
        (setting("student.checkpoint", "https://example.org/../a.pth"), "student.checkpoint", "path"),
        (setting("teacher.checkpoint", "zoo"), "teacher.checkpoint", "leave out backbone_depth"),
        (setting("student.checkpoint", "weights.pth"), "student.checkpoint", "absolute path"),
        (setting("student.checkpoint", "0123456789abcdef"), "student.checkpoint", "not stored here"),
        (setting("expected", {"teacher": 38.9}), "expected.teacher", "1"),
        (setting("expected", {"nonesuch": 0.3}), "expected", "there are teacher, none, frs"),
        (setting("teacher.checkpoint", "0123456789abcdef"), "teacher.checkpoint", "not stored here"),
        (setting("teacher.checkpoint", "/nowhere/w.pth"), "teacher.checkpoint", "no such file"),
        (setting("teacher.checkpoint", "/etc/passwd"), "teacher.checkpoint", ".pth"),
        (setting("teacher.checkpoint", "/" + "x" * 5000), "teacher.checkpoint", "4096"),
        (setting("submitted_by", {"name": "Ada"}), "submitted_by", "string"),
        (lambda body: body.pop("student"), "student", "required"),
        (lambda body: body.clear(), "name", "required"),
    ],
)  # fmt: skip
def test_a_faulty_experiment_is_refused_with_the_field(
    api: TestClient, experiment_body: Body, change: Change, field: str, word: str
) -> None:
    if field == "teacher.checkpoint":
        experiment_body["teacher"]["train"] = None
    change(experiment_body)
    found = refused(api, experiment_body)
    fields = [item["field"] for item in found["errors"]]
    assert field in fields
    assert fields[0] in found["title"]
    assert fields[0] in found["detail"]
    assert word in json.dumps([item["message"] for item in found["errors"] if item["field"] == field])


def test_every_fault_is_listed_and_the_value_is_shown(api: TestClient, experiment_body: Body) -> None:
    put(experiment_body, "schedule.epochs", 0)
    put(experiment_body, "schedule.batch_size", -3)
    found = refused(api, experiment_body)
    assert {item["field"]: item["value"] for item in found["errors"]} == {
        "schedule.epochs": 0,
        "schedule.batch_size": -3,
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (setting("kind", "evaluate"), "checkpoint"),
        (setting("checkpoint", "/nowhere/w.pth"), "checkpoint"),
        (setting("method", {"name": "frs"}), "method"),
        (setting("schedule.batch_size", 5), "schedule.batch_size"),
        (setting("seed", -1), "seed"),
    ],
)
def test_a_faulty_job_is_refused(api: TestClient, job_body: Body, change: Change, field: str) -> None:
    change(job_body)
    assert field in json.dumps(refused(api, job_body, JOBS))


def test_a_distill_job_of_its_own_needs_its_teachers_weights(api: TestClient, job_body: Body) -> None:
    job = {
        **job_body,
        "kind": "distill",
        "method": {"name": "frs"},
        "teacher": {"detector": job_body["detector"]},
    }
    assert refused(api, job, JOBS)["errors"][0]["field"] == "teacher.checkpoint"


class _Hostile:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.trace,)


def test_a_checkpoint_that_would_run_code_is_refused_and_does_not_run(
    api: TestClient, experiment_body: Body, tmp_path: Path
) -> None:
    trace, file = tmp_path / "it-ran", tmp_path / "teacher.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("teacher/data.pkl", pickle.dumps({"state_dict": _Hostile(trace)}, protocol=2))
    experiment_body["teacher"] = {"detector": experiment_body["teacher"]["detector"], "checkpoint": str(file)}
    [fault] = refused(api, experiment_body)["errors"]
    assert fault["field"] == "teacher.checkpoint"
    assert "could run code" in fault["message"]
    assert not trace.exists()


@pytest.mark.parametrize(
    ("spoil", "field", "code_word"),
    [
        (lambda root: (root / "JPEGImages" / "dog-1.png").write_bytes(b"no image"), "dataset", "decode"),
        (lambda root: (root / "JPEGImages" / "dog-1.png").unlink(), "dataset", "image"),
        (lambda root: (root / "Annotations" / "dog-1.xml").write_text("<"), "dataset", "annotation"),
        (lambda root: (root / "ImageSets" / "Main" / "val.txt").unlink(), "dataset.val", "found"),
    ],
)
def test_faulty_data_is_refused_with_examples(
    api: TestClient,
    experiment_body: Body,
    voc_copy: Path,
    spoil: Callable[[Path], object],
    field: str,
    code_word: str,
) -> None:
    spoil(voc_copy)
    experiment_body["dataset"] = {"format": "voc", "root": str(voc_copy), "test": "test"}
    experiment_body["schedule"]["batch_size"] = 1
    [fault, *_] = refused(api, experiment_body)["errors"]
    assert fault["field"].startswith(field)
    assert code_word in fault["message"]
    assert fault["examples"]


def test_boxes_one_can_live_without_are_warnings(
    api: TestClient, experiment_body: Body, voc_copy: Path
) -> None:
    path = voc_copy / "Annotations" / "dog-1.xml"
    text = path.read_text()
    first = text[text.index("<object>") : text.index("</object>") + len("</object>")]
    start, end = first.index("<bndbox>"), first.index("</bndbox>")
    empty = f"{first[:start]}<bndbox><xmin>3</xmin><ymin>3</ymin><xmax>3</xmax><ymax>9</ymax>{first[end:]}"
    path.write_text(text.replace("</annotation>", f"{empty}</annotation>"))
    experiment_body["dataset"] = {"format": "voc", "root": str(voc_copy), "test": "test"}
    experiment_body["schedule"]["batch_size"] = 1
    made = api.post(EXPERIMENTS, json=experiment_body).json()
    [warning] = [item for item in made["warnings"] if item["code"] == "box_without_area"]
    assert (warning["field"], warning["count"]) == ("dataset.train", 1)
    assert warning["examples"]
