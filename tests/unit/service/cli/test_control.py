"""The commands that pause, resume, reprioritise and clone."""

from typing import Any

import pytest

from tests.unit.service.cli.conftest import problem

pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize(
    ("command", "shown"), [("cancel", "cancelling"), ("pause", "pausing"), ("resume", "running")]
)
def test_what_is_asked_of_a_running_job_is_under_way(
    server: Any, run: Any, make_job: Any, command: str, shown: str
) -> None:
    job = make_job("running")
    server.answers |= {"GET /jobs/j": job, f"POST /jobs/{job['id']}/{command}": job}
    assert run(command, "j").out == f"frs · seed 0  {shown}\n"


def test_a_whole_experiment_is_paused(server: Any, run: Any, make_experiment: Any, make_job: Any) -> None:
    experiment = make_experiment("paused", make_job("paused"), make_job("succeeded", "none"))
    server.answers |= {
        "GET /experiments/e1": experiment,
        f"POST /experiments/{experiment['id']}/pause": experiment,
    }
    assert run("pause", "e1").out == "frs · seed 0  paused\nnone · seed 0  succeeded\n"


def test_a_priority_may_be_negative(server: Any, run: Any, make_job: Any) -> None:
    job = make_job("queued")
    server.answers |= {"GET /jobs/j": job, f"PUT /jobs/{job['id']}/priority": job}
    assert run("priority", "j", "--", "-3").code == 0
    assert server.sent() == {"priority": -3}


def test_the_changes_of_a_clone_are_read_as_yaml(server: Any, run: Any, make_experiment: Any) -> None:
    experiment = make_experiment("queued")
    server.answers |= {
        "GET /experiments/e1": experiment,
        f"POST /experiments/{experiment['id']}/clone": experiment,
    }
    result = run(
        "clone", "e1", "--set", "schedule.epochs=24", "--set", "schedule.lr=null", "--set", "seeds=[0, 1]"
    )
    assert result.code == 0
    assert server.sent() == {"changes": {"schedule": {"epochs": 24, "lr": None}, "seeds": [0, 1]}}


@pytest.mark.parametrize(
    "change",
    [
        "epochs",
        "=1",
        "a..b=1",
        "a=[",
    ],
)
def test_a_change_that_is_none_is_bad_usage_and_sends_nothing(server: Any, run: Any, change: str) -> None:
    assert run("clone", "e1", "--set", change).code == 2
    assert not server.requests


def test_why_a_job_cannot_go_on_is_told(server: Any, run: Any, make_job: Any) -> None:
    job = make_job("cancelled")
    server.answers["GET /jobs/j"] = job
    server.answers[f"POST /jobs/{job['id']}/resume"] = problem(409, "it was cancelled: clone it instead")
    assert "clone it instead" in run("resume", "j").err
