"""The whole embedded system, started, used and stopped as a user does it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from service.operate.folder import SUPERVISOR
from tests.fixtures.systems import System, experiment, system_in, until

pytestmark = [pytest.mark.torch, pytest.mark.timeout(600)]


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


def test_the_notebook_runs_against_a_server(system: System, repo_root: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(repo_root / "examples" / "quickstart.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=500,
        startup_timeout=200,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env=dict(system.environment))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    said = "".join(output.get("text", "") for output in outputs)
    assert "Only one seed (n = 1)" in said
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert (tmp_path / "quickstart" / "export.pth").stat().st_size > 100_000
    assert b"quickstart" in (tmp_path / "quickstart" / "report.html").read_bytes()
    listed = system.json("list", "--tag", "quickstart")
    assert [(item["name"], item["state"]) for item in listed] == [("quickstart", "succeeded")]


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
    left = {path.name for path in system.folder.run_dir.iterdir()}
    assert left == {"admin_key", "lock", "session_secret"}
    assert json.loads(system.frs("down", "--json")) == {"stopped": False}


def test_a_job_handed_back_goes_on_after_the_next_up(system: System) -> None:
    system.frs("up", "--detach", "--port", 0)
    begun = system.json("list")[0]
    until(lambda: system.json("show", begun["id"])["jobs"][0]["state"] == "running")
    teacher = system.json("show", begun["id"])["jobs"][0]
    attempts = httpx.get(
        f"{system.folder.read_url()}/api/v1/jobs/{teacher['id']}/attempts", headers=system.as_admin
    ).json()["items"]
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
