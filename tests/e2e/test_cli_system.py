"""The whole embedded system, started, used and stopped as a user does it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from service.operate.folder import SUPERVISOR, SystemFolder
from service.operate.processes import ProcessIdentity, marked, read_identity

pytestmark = [pytest.mark.torch, pytest.mark.timeout(600)]
DETECTOR = {
    "zoo": "retinanet/retinanet_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 8,
    "fpn_channels": 32,
    "stacked_convs": 1,
}


def experiment(epochs: int) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "name": f"{epochs} epochs",
        "dataset": {
            "format": "synthetic",
            "options": {"train_images": 8, "val_images": 4, "width": 96, "height": 64, "seed": 0},
        },
        "input_size": [96, 64],
        "teacher": {"detector": DETECTOR},
        "student": {"detector": DETECTOR},
        "schedule": {"epochs": epochs, "batch_size": 4},
        "methods": ["frs"],
    }


class System:
    """The commands of a user whose data folder is `folder`."""

    def __init__(self, folder: SystemFolder, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def frs(self, *arguments: object, code: int = 0) -> str:
        """Standard output of a command that must end with `code`."""
        ended = subprocess.run(
            [sys.executable, "-m", "service.cli.main", *map(str, arguments)],
            env=self.environment,
            cwd=self.folder.data_dir.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    def json(self, *arguments: object, code: int = 0) -> Any:
        return json.loads(self.frs(*arguments, "--json", code=code))

    def submit(self, epochs: int, *arguments: object) -> Any:
        file = self.folder.data_dir.parent / f"{epochs}.yaml"
        file.write_text(json.dumps(experiment(epochs)))
        return self.json("submit", file, *arguments)

    def process(self, name: str) -> ProcessIdentity:
        found = read_identity(self.folder.pid_file(name))
        assert found is not None
        return found

    def processes(self) -> set[ProcessIdentity]:
        """All that run, with the broker, whose server hides its environment."""
        named = {read_identity(path) for path in self.folder.run_dir.glob("*.pid")}
        return {one for one in named if one is not None and one.alive} | marked(f"{self.folder.data_dir}:")


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.1)


def system_in(data_dir: Path, repo_root: Path) -> System:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FRS_")}
    environment |= {"FRS_DATA_DIR": str(data_dir), "PYTHONPATH": str(repo_root)}
    return System(SystemFolder(data_dir), environment)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Iterator[System]:
    made = system_in(tmp_path_factory.mktemp("system") / "data", repo_root)
    made.frs("up", "--detach", "--port", 0)
    yield made
    made.frs("down")


def test_a_second_up_names_the_running_system(system: System) -> None:
    answer = system.json("up", "--detach", "--port", 0)
    assert answer == {"url": system.folder.read_url(), "already_running": True}


def test_an_experiment_runs_and_is_compared(system: System) -> None:
    done = system.submit(1, "--wait")
    assert done["state"] == "succeeded"
    assert [(job["role"], job["epoch"]) for job in done["jobs"]] == [("teacher", 1), ("student", 1)]
    comparison = system.json("compare", done["id"][:6])
    assert [row["label"] for row in comparison["rows"]] == ["teacher", "frs"]
    assert comparison["rows"][1]["seeds"] == [0]
    assert all(log["text"] for log in system.json("logs", done["id"]))
    assert system.json("list")[0]["id"] == done["id"]


def test_what_a_job_has_trained_finds_boxes_in_pictures(system: System, tmp_path: Path) -> None:
    done = next(item for item in system.json("list") if item["state"] == "succeeded")
    job = next(job for job in system.json("show", done["id"])["jobs"] if job["role"] == "student")
    Image.new("RGB", (80, 60), (120, 40, 40)).save(tmp_path / "red.png")
    answer = system.json("predict", job["id"], tmp_path, "--out", tmp_path / "found", "--score", 0)
    assert [image["file_name"] for image in answer["predictions"]["images"]] == ["red.png"]
    assert json.loads((tmp_path / "found" / "predictions.json").read_text()) == answer["predictions"]
    with Image.open(tmp_path / "found" / "drawn" / "red.jpg") as drawn:
        assert drawn.size == (80, 60)


def test_an_experiment_is_planned_without_becoming_one(system: System, tmp_path: Path) -> None:
    before = len(system.json("list"))
    (tmp_path / "planned.yaml").write_text(json.dumps(experiment(3)))
    plan = system.json("plan", tmp_path / "planned.yaml")
    assert [(row["label"], row["steps"], row["fits"]) for row in plan["rows"]] == [
        ("teacher", 6, True),
        ("frs", 6, True),
    ]
    assert plan["seconds"] > 0
    assert len(system.json("list")) == before


def test_a_cancelled_experiment_ends_as_cancelled(system: System) -> None:
    begun = system.submit(500)
    until(lambda: system.json("show", begun["id"])["jobs"][0]["state"] == "running")
    system.frs("cancel", begun["id"])
    ended = system.json("show", begun["id"], "--follow", code=1)
    assert ended["state"] == "cancelled"


def test_a_crashed_server_comes_back_at_its_address(system: System) -> None:
    crashed = system.process("api")
    crashed.send(signal.SIGKILL)
    until(lambda: system.process("api") != crashed)
    url = system.folder.read_url()

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    until(ready)


def test_down_leaves_nothing_even_where_the_supervisor_is_gone(system: System) -> None:
    begun = system.submit(500)
    until(lambda: system.json("show", begun["id"])["jobs"][0]["step"] > 0)
    before = system.processes()
    assert len(before) >= 6  # supervisor, broker, API, keeper, worker, the training itself
    system.process(SUPERVISOR).send(signal.SIGKILL)
    assert json.loads(system.frs("down", "--json")) == {"stopped": True}
    assert not any(process.alive for process in before)
    assert system.processes() == set()
    assert [path.name for path in system.folder.run_dir.iterdir()] == ["lock"]
    assert json.loads(system.frs("down", "--json")) == {"stopped": False}


def test_a_job_handed_back_goes_on_after_the_next_up(system: System) -> None:
    system.frs("up", "--detach", "--port", 0)
    begun = system.json("list")[0]
    until(lambda: system.json("show", begun["id"])["jobs"][0]["state"] == "running")
    teacher = system.json("show", begun["id"])["jobs"][0]
    attempts = httpx.get(f"{system.folder.read_url()}/api/v1/jobs/{teacher['id']}/attempts").json()["items"]
    assert sorted(attempt["state"] for attempt in attempts) == ["released", "running"]
    assert teacher["num_attempts"] == 1  # being handed back costs a job none of its tries
    system.frs("cancel", begun["id"])
    system.json("show", begun["id"], "--follow", code=1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_up_in_the_foreground_ends_with_its_terminal(tmp_path: Path, repo_root: Path, number: int) -> None:
    system = system_in(tmp_path / "data", repo_root)
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli.main", "up", "--port", "0"],
        env=system.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    until(lambda: system.folder.read_url() is not None)
    before = system.processes()
    process.stdout.close()  # what it says from now on reaches nobody
    process.send_signal(number)
    process.wait()
    assert len(before) >= 5
    assert not any(one.alive for one in before)
    assert system.processes() == set()
