"""`frs extend`."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("server")


def test_methods_and_seeds_of_options_and_of_a_file_are_sent_together_and_the_new_jobs_shown(
    server: Any, run: Any, make_experiment: Any, make_job: Any, tmp_path: Path
) -> None:
    old, new = make_job("succeeded", "none"), make_job("queued", "pkd")
    before, after = make_experiment("succeeded", old), make_experiment("running", old, new)
    server.answers |= {"GET /experiments/e1": before, f"POST /experiments/{before['id']}/extend": after}
    file = tmp_path / "more.yaml"
    file.write_text("methods: [{name: frs, label: strong}]\nseeds: [4]\n")
    result = run("extend", "e1", "--method", "pkd", "--seed", "3", "--file", str(file))
    assert result.out == "pkd · seed 0  queued\n"
    assert server.sent() == {"methods": [{"name": "frs", "label": "strong"}, "pkd"], "seeds": [4, 3]}


@pytest.mark.parametrize("content", ["methods: [", "methods: pkd", "epochs: 3", "- pkd", "\ud800"])
def test_a_file_that_says_something_else_is_bad_usage_and_sends_nothing(
    server: Any, run: Any, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "more.yaml"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    assert run("extend", "e1", "--file", str(file)).code == 2
    assert run("extend", "e1").code == 2
    assert not server.requests


def test_a_job_that_was_reused_is_shown_as_such(
    server: Any, run: Any, make_experiment: Any, make_job: Any
) -> None:
    job = {**make_job("succeeded", "none"), "reused_from": "0" * 16}
    server.answers["GET /experiments/e1"] = make_experiment("succeeded", job)
    shown = run("show", "e1").out
    assert "reused" in shown
