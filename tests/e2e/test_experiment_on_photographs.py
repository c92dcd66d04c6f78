"""The main job from end to end: REST, PostgreSQL, Redis, a Celery worker, photographs, a comparison."""

import contextlib
import hashlib
import io
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.db.engine import upgrade
from service.operate.ports import claim_port
from tests.fixtures.brokers import temporary_redis
from tests.fixtures.databases import temporary_database
from tests.fixtures.server import AS_ADMIN, admit_tester

pytestmark = [pytest.mark.torch, pytest.mark.timeout(420)]

DEADLINE_SECONDS = 360.0
RETINANET = {
    "zoo": "retinanet/retinanet_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "fpn_channels": 16,
    "stacked_convs": 1,
}
STOCK = """
import sys
from frs_core.detectors.operators import install
install()
from mmdet.apis import inference_detector, init_detector
model = init_detector(sys.argv[1], sys.argv[2], device="cpu")
found = inference_detector(model, sys.argv[3])
assert not {"service", "workers"} & {name.split(".")[0] for name in sys.modules}
assert "frs_core.detectors.builders" not in sys.modules
print(",".join(model.dataset_meta["classes"]), len(found.pred_instances))
"""


@dataclass
class Finished:
    """An experiment that ended, and the client that reads it."""

    client: httpx.Client
    experiment: dict[str, Any]
    files: Path
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, path: str, **parameters: Any) -> Any:
        response = self.client.get(f"/api/v1{path}", params=parameters)
        assert response.status_code == 200, response.text
        return response.json()

    def download(self, path: str, name: str) -> Path:
        response = self.client.get(f"/api/v1{path}")
        assert response.status_code == 200, response.text
        target = self.files / name
        target.write_bytes(response.content)
        return target


@pytest.fixture(scope="module")
def finished(
    small_bccd: Path, postgresql_server: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("system")
    with contextlib.ExitStack() as stack:
        database_url = stack.enter_context(temporary_database(postgresql_server))
        redis_url = stack.enter_context(temporary_redis(redis_server))
        upgrade(database_url)
        admit_tester(database_url)
        port = claim_port("127.0.0.1", 0)
        environment = os.environ | {
            "FRS_DATA_DIR": str(folder),
            "FRS_DATABASE_URL": database_url,
            "FRS_BROKER_URL": redis_url,
            "FRS_PORT": str(port),
            "FRS_POLL_SECONDS": "600",  # so that nothing but the broker's messages wakes the worker
        }
        for module in ("service.api", "service.jobs.keeper", "workers"):
            stack.enter_context(running(module, environment, folder))
        client = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=AS_ADMIN, timeout=30)
        )
        wait_for(lambda: answers(client), 60, folder)
        yield finish(client, submit(client, small_bccd), folder)


@contextlib.contextmanager
def running(module: str, environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{module}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def answers(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/readyz").status_code == 200
    return False


def wait_for(condition: Any, seconds: float, folder: Path) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            logs = "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in folder.glob("*.log"))
            pytest.fail(f"not within {seconds} seconds\n{logs}")
        time.sleep(0.2)


def submit(client: httpx.Client, root: Path) -> str:
    body = {
        "name": "photographs",
        "dataset": {"format": "voc", "root": str(root), "test": "test"},
        "input_size": [160, 120],
        "teacher": {"detector": {**RETINANET, "base_channels": 16}},
        "student": {"detector": {**RETINANET, "base_channels": 8}},
        "schedule": {"epochs": 1, "batch_size": 2, "warmup_steps": 0, "optimizer": {"lr": 0.003}},
        "methods": ["none", {"name": "frs", "options": {"warmup_steps": 2}}],
    }
    response = client.post("/api/v1/experiments", json=body, headers={"Idempotency-Key": "photographs"})
    assert response.status_code == 201, response.text
    again = client.post("/api/v1/experiments", json=body, headers={"Idempotency-Key": "photographs"})
    assert again.json()["id"] == response.json()["id"]
    return str(response.json()["id"])


def finish(client: httpx.Client, experiment_id: str, folder: Path) -> Finished:
    def ended() -> bool:
        state = client.get(f"/api/v1/experiments/{experiment_id}").json()["state"]
        return state not in ("queued", "running")

    wait_for(ended, DEADLINE_SECONDS, folder)
    experiment = client.get(f"/api/v1/experiments/{experiment_id}").json()
    result = Finished(client=client, experiment=experiment, files=folder)
    result.jobs = {job["label"]: job for job in result.get("/jobs", experiment=experiment_id)["items"]}
    return result


def test_every_job_succeeds_at_its_first_attempt(finished: Finished) -> None:
    assert finished.experiment["state"] == "succeeded", finished.jobs
    assert {label: job["num_attempts"] for label, job in finished.jobs.items()} == {
        "teacher": 1,
        "none": 1,
        "frs": 1,
    }


def test_metrics_are_recorded_for_every_step_and_both_students_start_with_the_same_luck(
    finished: Finished,
) -> None:
    def series(label: str) -> dict[str, list[dict[str, Any]]]:
        found = finished.get(f"/jobs/{finished.jobs[label]['id']}/metrics")["items"]
        return {each["name"]: each["points"] for each in found}

    none, frs = series("none"), series("frs")
    assert [point["step"] for point in none["train/loss"]] == list(range(1, 21))
    assert all(math.isfinite(point["value"]) for point in none["train/loss"])
    assert none["train/plain_loss"][0]["value"] == frs["train/plain_loss"][0]["value"]
    assert frs["train/loss/frs_feature"][-1]["value"] > 0
    assert frs["train/loss/frs_classification"][-1]["value"] > 0
    assert not any(name.startswith("train/loss/frs") for name in none)
    assert [point["step"] for point in none["val/ap"]] == [20]


def test_every_checkpoint_has_the_bytes_its_row_promises(finished: Finished) -> None:
    for label, job in finished.jobs.items():
        checkpoints = finished.get(f"/jobs/{job['id']}/checkpoints")["items"]
        assert {checkpoint["kind"] for checkpoint in checkpoints} == {"state", "best", "weights", "export"}
        for checkpoint in checkpoints:
            file = finished.download(
                f"/checkpoints/{checkpoint['id']}/download", f"{label}-{checkpoint['kind']}"
            )
            assert hashlib.sha256(file.read_bytes()).hexdigest() == checkpoint["sha256"]
            assert file.stat().st_size == checkpoint["size_bytes"]


def test_stock_mmdet_loads_the_export_with_nothing_of_ours_but_the_operators(
    finished: Finished, bccd_root: Path
) -> None:
    job = finished.jobs["frs"]
    [export] = [
        item for item in finished.get(f"/jobs/{job['id']}/checkpoints")["items"] if item["kind"] == "export"
    ]
    weights = finished.download(f"/checkpoints/{export['id']}/download", "export.pth")
    config = artifact(finished, job, "export_config.py")
    image = bccd_root / "JPEGImages" / "BloodImage_00001.jpg"
    done = subprocess.run(
        [sys.executable, "-c", STOCK, str(config), str(weights), str(image)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1].split()[0] == "Platelets,RBC,WBC"


def artifact(finished: Finished, job: dict[str, Any], name: str) -> Path:
    [found] = [item for item in finished.get(f"/jobs/{job['id']}/artifacts")["items"] if item["name"] == name]
    return finished.download(f"/artifacts/{found['id']}/download", name)


def test_the_recorded_numbers_are_what_pycocotools_says_of_the_saved_predictions(finished: Finished) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    job = finished.jobs["teacher"]
    [evaluation] = [
        item for item in finished.get(f"/jobs/{job['id']}/evaluations")["items"] if item["split"] == "test"
    ]
    truth = artifact(finished, job, "ground_truth_test.json")
    predictions = json.loads(artifact(finished, job, "predictions_test.json").read_text())
    assert predictions, "the test compares nothing"
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = COCO(str(truth))
        evaluator = COCOeval(annotated, annotated.loadRes(predictions), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    assert evaluation["metrics"]["ap"] == pytest.approx(float(evaluator.stats[0]), abs=1e-9)
    assert evaluation["metrics"]["ar_100"] == pytest.approx(float(evaluator.stats[8]), abs=1e-9)


def test_the_comparison_has_a_row_for_each(finished: Finished) -> None:
    comparison = finished.get(f"/experiments/{finished.experiment['id']}/comparison")
    assert [(row["label"], row["role"], row["seeds"]) for row in comparison["rows"]] == [
        ("teacher", "teacher", [0]),
        ("none", "student", [0]),
        ("frs", "student", [0]),
    ]
    assert all(row["metrics"]["ap"]["n"] == 1 for row in comparison["rows"])
    assert all(row["metrics"]["ap"]["sd"] is None for row in comparison["rows"])
