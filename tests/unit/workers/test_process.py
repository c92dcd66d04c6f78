"""Children and their environment, with real processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.processes import is_running
from tests.waiting import wait_until
from workers.process import child_environment, process_started_at, start

SLEEP = "import time; time.sleep(600)"
HOLD_GRANDCHILD = f"""
import subprocess, sys
held = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print(held.pid, flush=True)
held.wait()
"""
PARENT = """
import os, subprocess, sys
child = "import os, time\\nfrom workers.child import die_with_parent\\n"
child += f"die_with_parent({os.getpid()})\\nprint(os.getpid(), flush=True)\\ntime.sleep(600)"
subprocess.Popen([sys.executable, "-c", child]).wait()
"""


def test_killing_a_child_ends_what_it_started(tmp_path: Path) -> None:
    output = tmp_path / "output.log"
    child = start([sys.executable, "-c", HOLD_GRANDCHILD], tmp_path, output, os.environ)
    grandchild = int(wait_until(lambda: output.read_text().strip()))
    assert not child.wait(0)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    child.kill()
    assert (child.exit_code, child.signal) == (None, 9)
    wait_until(lambda: not is_running(grandchild))
    child.kill()


def test_a_child_that_ends_by_itself_gives_its_exit_code(tmp_path: Path) -> None:
    output = tmp_path / "output.log"
    child = start([sys.executable, "-c", "raise SystemExit(75)"], tmp_path, output, os.environ)
    wait_until(lambda: child.wait(1))
    assert (child.exit_code, child.signal) == (75, None)


def test_a_child_dies_with_its_parent(repo_root: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=repo_root)
    assert parent.stdout is not None
    with parent.stdout as stream:
        child = int(stream.readline())
        assert is_running(child)
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_running(child))


def test_a_child_whose_parent_is_gone_already_exits(repo_root: Path) -> None:
    code = "from workers.child import die_with_parent; die_with_parent(1)"
    assert subprocess.run([sys.executable, "-c", code], cwd=repo_root, check=False).returncode == 70


def test_the_start_of_a_process_tells_it_from_others() -> None:
    ours = process_started_at(os.getpid())
    assert 0 < ours < time.clock_gettime(time.CLOCK_BOOTTIME)
    assert process_started_at(1) <= ours


def test_an_environment_keeps_what_training_needs_and_no_secret() -> None:
    given = {
        "HOME": "/home/frs",
        "FRS_DATABASE_URL": "x",
        "FRS_API_KEY": "x",
        "CELERY_BROKER_URL": "x",
        "PGPASSFILE": "x",
        "AWS_ACCESS_KEY_ID": "x",
        "HF_TOKEN": "x",
        "smtp_password": "x",
        "MYSQL_PASSWD": "x",
        "OPENAI_APIKEY": "x",
        "MAIN_DB": "postgresql+psycopg://ann:secret@db/frs",
        "QUEUE": "redis://:secret@host",
        "PYTHONPATH": "/somewhere",
        "OMP_NUM_THREADS": "2",
        "CUDA_VISIBLE_DEVICES": "0,1",
    }
    made = child_environment(given, gpus=["GPU-b"], num_threads=8, grace_seconds=59.5)
    assert "x" not in made.values()
    assert not any("secret" in value for value in made.values())
    assert made["HOME"] == "/home/frs"
    assert made["OMP_NUM_THREADS"] == "2"
    assert made["CUDA_VISIBLE_DEVICES"] == "GPU-b"
    assert made["PYTHONPATH"].split(os.pathsep)[1:] == ["/somewhere"]
    assert made["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] == "60"
    alone = child_environment({}, gpus=[], num_threads=8, grace_seconds=1)
    assert alone["OMP_NUM_THREADS"] == "8"
    assert made["GOMP_SPINCOUNT"] == "10000"
