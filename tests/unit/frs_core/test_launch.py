"""Several processes under torchrun's agent: what they are told, and what is said of their end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from frs_core.events import ResultEvent, event_adapter
from tests.waiting import wait_until

pytestmark = pytest.mark.torch

LAUNCH = """
import sys
from pathlib import Path
from frs_core.context import LocalContext
from frs_core.launch import launch
workdir, fault = sys.argv[1:]
context = LocalContext(Path(workdir))
context.catch_signals()
sys.exit(launch(context, "tests.miniature.rank", [workdir, fault], num_processes=2))
"""


def start(workdir: Path, root: Path, fault: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "4"}
    return subprocess.Popen([sys.executable, "-c", LAUNCH, str(workdir), fault], env=environment)


def results(workdir: Path) -> list[ResultEvent]:
    events = map(event_adapter.validate_json, (workdir / "events.jsonl").read_text().splitlines())
    return [event for event in events if isinstance(event, ResultEvent)]


def test_all_are_told_to_stop_and_the_firsts_word_is_the_runs(tmp_path: Path, repo_root: Path) -> None:
    run = start(tmp_path, repo_root, "stop")
    wait_until(lambda: (tmp_path / "ready").exists() and (tmp_path / "process_1" / "ready").exists())
    run.terminate()
    assert run.wait() == 75
    [result] = results(tmp_path)
    assert (result.outcome, result.message) == ("stopped", "with 2 threads")


@pytest.mark.parametrize(("fault", "exit_code"), [("kill", -9), ("exit", 3)])
def test_the_death_of_one_ends_all_and_the_whole_as_it_did(
    fault: str, exit_code: int, tmp_path: Path, repo_root: Path
) -> None:
    assert start(tmp_path, repo_root, fault).wait(60) == exit_code
    assert not (tmp_path / "events.jsonl").exists()


@pytest.mark.parametrize(("exit_codes", "cause"), [((-15, 3), 3), ((1, -9, -15), -9), ((-15, -15), -15)])
def test_the_cause_is_no_process_that_the_agent_ended(exit_codes: tuple[int, ...], cause: int) -> None:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

    from frs_core.launch import _first_failure

    failures = [ProcessFailure(rank, rank, code, "no file") for rank, code in enumerate(exit_codes)]
    assert _first_failure(failures).exitcode == cause
