"""What can be done with what the client gives: wait, metrics, frames, files, tags, reports."""

import hashlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from pydantic import ValidationError

from frs_core.spec import ExperimentSpec
from service.client import (
    AcrossComparison,
    ApiError,
    Client,
    Experiment,
    FileNameError,
    Job,
    WaitTimeoutError,
)

JOB = {
    "id": "j1",
    "kind": "train",
    "role": "student",
    "label": "frs",
    "name": "frs seed 0",
    "seed": 0,
    "step": 2,
}
Answers = dict[str, Any]


def job_of(state: str, **more: Any) -> dict[str, Any]:
    return {**JOB, "state": state, **more}


def experiment_of(state: str, **more: Any) -> dict[str, Any]:
    plain = {"id": "e1", "name": "blood", "state": state, "created_at": "2026-01-02T03:04:05Z", "num_jobs": 1}
    return {**plain, "jobs": [job_of(state)], "tags": ["a"], **more}


@pytest.fixture
def answers() -> Answers:
    """By method and path; of a list one after the other, the last for ever."""
    return {}


@pytest.fixture
def asked() -> list[httpx.Request]:
    return []


@pytest.fixture
def client(answers: Answers, asked: list[httpx.Request]) -> Client:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        found = answers.get(f"{request.method} {request.url.path.removeprefix('/api/v1')}")
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if found is None:
            return httpx.Response(404, json={"detail": f"nothing at {request.url.path}"})
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    return Client("http://host", transport=httpx.MockTransport(answer), retry_delays=())


@pytest.fixture
def job(client: Client, answers: Answers) -> Job:
    answers["GET /jobs/j1"] = job_of("running")
    return client.job("j1")


@pytest.fixture
def experiment(client: Client, answers: Answers) -> Experiment:
    answers["GET /experiments/e1"] = experiment_of("running")
    return client.experiment("e1")


def test_waiting_brings_the_very_object_up_to_date(answers: Answers, experiment: Experiment) -> None:
    held = experiment
    answers["GET /experiments/e1"] = [experiment_of("running"), experiment_of("succeeded", newer=1)]
    assert experiment.wait(poll_seconds=0) is held
    assert (held.state, held.jobs[0].state, held.model_extra) == ("succeeded", "succeeded", {"newer": 1})


@pytest.mark.parametrize("fixture", ["job", "experiment"])
def test_waiting_ends_at_its_timeout(request: pytest.FixtureRequest, fixture: str) -> None:
    with pytest.raises(WaitTimeoutError, match="still running after 0 s; it goes on"):
        request.getfixturevalue(fixture).wait(timeout=0, poll_seconds=0)


def test_a_server_that_is_away_for_a_moment_is_waited_for(answers: Answers, job: Job) -> None:
    answers["GET /jobs/j1"] = [job_of("running"), httpx.Response(503), job_of("failed")]
    assert job.wait(poll_seconds=0).state == "failed"


def test_a_server_that_refuses_is_not_away(answers: Answers, job: Job) -> None:
    answers["GET /jobs/j1"] = [job_of("running"), httpx.Response(401, json={"detail": "no"})]
    with pytest.raises(ApiError, match="no"):
        job.wait(poll_seconds=0)


@pytest.mark.parametrize("verb", ["cancel", "pause", "resume"])
def test_verbs_ask_the_server_and_show_its_answer(
    answers: Answers, job: Job, experiment: Experiment, verb: str
) -> None:
    answers[f"POST /jobs/j1/{verb}"] = job_of("paused")
    answers[f"POST /experiments/e1/{verb}"] = experiment_of("paused")
    assert getattr(job, verb)().state == job.state == "paused"
    assert getattr(experiment, verb)().state == experiment.state == "paused"


def test_nobody_sets_a_field_and_equal_answers_are_equal(client: Client, job: Job) -> None:
    with pytest.raises(ValidationError):
        job.state = "succeeded"
    assert client.job("j1") == job
    assert Job.model_validate(job_of("running")) == job


def test_an_answer_made_by_hand_has_no_server() -> None:
    with pytest.raises(RuntimeError, match="did not come from a client"):
        Job.model_validate(job_of("running")).refresh()


def series(name: str, *points: tuple[int, float | None], **more: Any) -> dict[str, Any]:
    plain = [
        {"step": step, "value": value, "nonfinite": None, "time": None, **more} for step, value in points
    ]
    return {"name": name, "num_points": len(points), "points": plain}


@pytest.fixture
def measured(answers: Answers) -> None:
    loss = series("train/loss", (1, 0.5), (2, None), nonfinite=None)
    loss["points"][1]["nonfinite"] = "-inf"
    answers["GET /jobs/j1/metrics"] = {"items": [loss, series("val/ap", (2, 1 / 3))]}


@pytest.mark.usefixtures("measured")
def test_points_are_iterated_and_what_is_not_finite_is_what_it_was(
    job: Job, asked: list[httpx.Request]
) -> None:
    assert [(point.step, point.number) for point in job.metrics("train/loss")] == [(1, 0.5), (2, -math.inf)]
    assert asked[-1].url.params["name"] == "train/loss"
    assert list(job.metrics("absent")) == []


@pytest.mark.usefixtures("measured")
def test_a_frame_has_a_row_a_step_and_nan_where_nothing_was_recorded(job: Job) -> None:
    frame = job.metrics_frame()
    expected = pd.DataFrame({"step": [1, 2], "train/loss": [0.5, -math.inf], "val/ap": [math.nan, 1 / 3]})
    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.usefixtures("measured")
def test_the_frame_of_an_experiment_says_whose_each_row_is(experiment: Experiment) -> None:
    frame = experiment.frame()
    assert list(frame.columns) == ["job", "label", "seed", "role", "step", "train/loss", "val/ap"]
    assert frame.loc[1, ["job", "label", "seed", "role", "step"]].tolist() == ["j1", "frs", 0, "student", 2]


@pytest.mark.usefixtures("measured")
def test_without_pandas_a_frame_says_what_to_do(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas; without"):
        job.metrics_frame()
    assert len(list(job.metrics("train/loss"))) == 2


@pytest.fixture
def stored(answers: Answers) -> None:
    def file(name: str, /, **more: Any) -> dict[str, Any]:
        content = f"content of {name}".encode()
        answers[f"GET /files/{name}"] = httpx.Response(200, content=content)
        sha256 = hashlib.sha256(content).hexdigest()
        download = f"/api/v1/files/{name}"
        return {"id": name, "sha256": sha256, "size_bytes": len(content), "download": download, **more}

    answers["GET /jobs/j1/checkpoints"] = {
        "items": [
            file("old", kind="export", step=1),
            file("new", kind="export", step=2),
            file("s", kind="state", step=2),
        ]
    }
    answers["GET /jobs/j1/artifacts"] = {
        "items": [
            file("a.json", name="a.json", media_type="x"),
            file("b.json", name="b.json", media_type="x"),
        ]
    }


@pytest.mark.usefixtures("stored")
def test_a_kind_of_checkpoint_names_its_last_one(job: Job, tmp_path: Path) -> None:
    path = job.download("export", to=tmp_path / "made")
    assert path == tmp_path / "made" / "export.pth"
    assert path.read_text() == "content of new"


@pytest.mark.usefixtures("stored")
def test_files_are_chosen_by_pattern_and_states_only_when_asked_for(job: Job, tmp_path: Path) -> None:
    assert [path.name for path in job.download_all(tmp_path)] == ["a.json", "b.json", "export.pth"]
    assert [path.name for path in job.download_all(tmp_path, "state-*")] == ["state-00000002.pth"]
    with pytest.raises(FileNameError, match="fits 2 files"):
        job.download("*.json", to=tmp_path)
    with pytest.raises(FileNameError, match=r"no file 'weights'; it has: a\.json"):
        job.download("weights", to=tmp_path)


def test_tags_are_added_and_taken_away(
    answers: Answers, experiment: Experiment, asked: list[httpx.Request]
) -> None:
    answers["PATCH /experiments/e1"] = experiment_of("running", tags=["a", "b"])
    assert experiment.tag("b", "a").tags == ("a", "b")
    assert asked[-1].content == b'{"tags":["a","b"]}'
    experiment.untag("a")
    assert asked[-1].content == b'{"tags":[]}'  # the answer before last still said: a alone


def test_a_row_is_found_by_label_and_seed(experiment: Experiment) -> None:
    assert experiment.job("frs", seed=0).id == "j1"
    with pytest.raises(LookupError, match=r"there are: frs \(seed 0\)"):
        experiment.job("pkd")


def test_a_report_is_written_and_not_waited_for_without_end(
    answers: Answers, experiment: Experiment, tmp_path: Path
) -> None:
    making = httpx.Response(202, json={"progress": 0.25, "stage": "drawing"})
    answers["GET /experiments/e1/report"] = [making, httpx.Response(200, content=b"%PDF")]
    assert experiment.report("pdf", tmp_path / "r.pdf") == b"%PDF"
    assert (tmp_path / "r.pdf").read_bytes() == b"%PDF"
    answers["GET /experiments/e1/report"] = making
    with pytest.raises(WaitTimeoutError, match=r"pdf report is not made \(25 %\) after 0 s"):
        experiment.report("pdf", timeout=0)


COMPARISON = {"experiment": "e1", "baseline": "none", "rows": []}


def test_runs_are_compared_by_what_they_are(
    client: Client, answers: Answers, experiment: Experiment, job: Job, asked: list[httpx.Request]
) -> None:
    answers["GET /compare"] = {
        "comparison": COMPARISON,
        "differences": [{"setting": "lr", "values": {"a": "1"}}],
    }
    answers["GET /experiments/e1/comparison"] = COMPARISON
    across = client.compare(experiment, job, baseline="x")
    assert isinstance(across, AcrossComparison)
    assert across.differences[0].values == {"a": "1"}
    query = asked[-1].url.params
    assert (query.get_list("experiment"), query.get_list("job"), query["baseline"]) == (["e1"], ["j1"], "x")
    assert experiment.compare("y").baseline == "none"
    assert asked[-1].url.params["baseline"] == "y"


def spec() -> dict[str, Any]:
    detector = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}
    return {
        "name": "blood", "dataset": {"format": "synthetic"}, "input_size": [96, 64], "methods": ["none"],
        "teacher": {"detector": detector}, "student": {"detector": detector},
    }  # fmt: skip


@pytest.mark.parametrize("form", [dict, ExperimentSpec.model_validate])
def test_a_mapping_and_a_specification_are_submitted(
    client: Client, answers: Answers, asked: list[httpx.Request], form: Callable[..., Any]
) -> None:
    answers["POST /experiments"] = experiment_of("queued")
    submitted = client.submit(form(spec()), seeds=[3, 4], idempotency_key="mine")
    assert submitted.client is client
    assert submitted.jobs[0].client is client
    sent = ExperimentSpec.model_validate_json(asked[-1].content)
    assert (sent.name, sent.seeds) == ("blood", (3, 4))
    assert asked[-1].headers["Idempotency-Key"] == "mine"


def test_a_file_is_submitted_with_paths_that_start_at_its_folder(
    client: Client, answers: Answers, asked: list[httpx.Request], tmp_path: Path
) -> None:
    answers["POST /experiments"] = experiment_of("queued")
    (tmp_path / "e.yaml").write_text("name: blood\ndataset: {format: voc, root: cells}\n")
    client.submit(str(tmp_path / "e.yaml"), smoke=True)
    sent = httpx.Response(200, content=asked[-1].content).json()
    assert sent["dataset"]["root"] == str(tmp_path / "cells")
    assert (sent["name"], sent["tags"]) == ("smoke: blood", ["smoke"])
