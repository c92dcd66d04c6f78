"""`frs external` and `frs cite`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Make = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("known")


@pytest.fixture
def known(server: Any, make_experiment: Make) -> None:
    server.answers["GET /experiments/e1"] = make_experiment("running", id="e1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "boxes.json"
    path.write_text("[1, 2]")
    return path


@pytest.fixture
def judging(server: Any, make_job: Make) -> dict[str, Any]:
    """A job that a server queues, and which then succeeds."""
    job = {**make_job("queued", "theirs"), "id": "x1234567890", "role": "external", "kind": "score"}
    server.answers["POST /experiments/e1/external"] = httpx.Response(202, json=job)
    server.answers["GET /jobs/x1234567890"] = [job, {**job, "state": "succeeded"}]
    return job


def test_predictions_are_sent_as_a_form_and_waited_for(
    server: Any, run: Make, judging: dict[str, Any], file: Path
) -> None:
    result = run("external", "e1", "--label", "theirs", "--predictions", file, "--note", "by Ann", "--wait")
    assert (result.code, result.out) == (0, "theirs  x1234567  succeeded\n"), result.err
    [request] = server.changes
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert request.headers["idempotency-key"]
    for part in (b"[1, 2]", b'name="label"\r\n\r\ntheirs', b'name="note"\r\n\r\nby Ann'):
        assert part in request.content


def test_without_waiting_the_queued_job_is_told(
    server: Any, run: Make, judging: dict[str, Any], file: Path
) -> None:
    result = run("external", "e1", "--label", "theirs", "--predictions", file, "--json")
    assert json.loads(result.out)["state"] == "queued"
    assert server.requests == [*server.requests[:2], *server.changes]


def test_a_row_that_could_not_be_judged_is_a_failure_with_its_reason(
    server: Any, run: Make, judging: dict[str, Any], file: Path
) -> None:
    reason = "entry 2 of 2: image_id 5: no image of the split has it"
    server.answers["GET /jobs/x1234567890"] = {**judging, "state": "failed", "reason": reason}
    result = run("external", "e1", "--label", "theirs", "--predictions", file, "--wait")
    assert result.code == 1
    assert reason in result.err.replace("\n", " ")


def test_a_checkpoint_is_named_and_a_file_of_it_by_its_whole_path(
    server: Any, run: Make, judging: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pth").write_bytes(b"")
    (tmp_path / "d.yaml").write_text("zoo: gfl/gfl_r50_fpn_1x_coco\nbackbone_depth: 18\n")
    assert run("external", "e1", "--label", "a", "--checkpoint", "w.pth", "--detector", "d.yaml").code == 0
    assert server.sent() == {
        "label": "a",
        "checkpoint": str(tmp_path / "w.pth"),
        "detector": {"zoo": "gfl/gfl_r50_fpn_1x_coco", "backbone_depth": 18},
    }
    assert run("external", "e1", "--label", "a", "--checkpoint", "https://x.org/w.pth").code == 0
    assert server.sent() == {"label": "a", "checkpoint": "https://x.org/w.pth"}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--predictions", "FILE", "--checkpoint", "zoo"],
        ["--predictions", "FILE", "--remove"],
        ["--predictions", "absent.json"],
        ["--checkpoint", "zoo", "--note", "x"],
        ["--predictions", "FILE", "--detector", "FILE"],
        ["--checkpoint", "zoo", "--detector", "LIST"],
    ],
)
def test_what_is_given_wrongly_is_bad_usage_and_sends_nothing(
    server: Any, run: Make, file: Path, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "list.yaml").write_text("- 1\n")
    paths = {"FILE": str(file), "LIST": str(tmp_path / "list.yaml")}
    result = run("external", "e1", "--label", "a", *(paths.get(option, option) for option in options))
    assert result.code == 2
    assert not server.changes


def test_citing_sends_fractions_and_removing_names_the_label(server: Any, run: Make) -> None:
    server.answers["POST /experiments/e1/cited"] = {}
    result = run(
        "cite",
        "e1",
        "--label",
        "paper",
        "--metric",
        "ap=0.397",
        "--metric",
        "ap50=.6",
        "--source",
        "Du, 2021",
    )
    assert (result.code, result.out) == (0, "paper is cited\n"), result.err
    assert server.sent() == {"label": "paper", "metrics": {"ap": 0.397, "ap50": 0.6}, "source": "Du, 2021"}
    for command, part in (("cite", "cited"), ("external", "external")):
        server.answers[f"DELETE /experiments/e1/{part}/a/b"] = httpx.Response(204)
        assert run(command, "e1", "--label", "a/b", "--remove").code == 0
        assert server.requests[-1].url.raw_path.endswith(b"/a%2Fb")


@pytest.mark.parametrize(
    "options",
    [[], ["--metric", "ap=0.4"], ["--source", "x"], ["--metric", "ap", "--source", "x"],
     ["--metric", "ap=much", "--source", "x"], ["--remove", "--source", "x"]],
)  # fmt: skip
def test_a_citation_without_its_parts_is_bad_usage(server: Any, run: Make, options: list[str]) -> None:
    assert run("cite", "e1", "--label", "a", *options).code == 2
    assert not server.changes


def test_a_refusal_is_told_in_the_servers_words(server: Any, run: Make, make_problem: Make) -> None:
    server.answers["POST /experiments/e1/cited"] = make_problem(422, "metrics.ap: give a fraction")
    result = run("cite", "e1", "--label", "a", "--metric", "ap=39.7", "--source", "x")
    assert result.code == 4
    assert "give a fraction" in result.err


def test_a_comparison_shows_the_marks_with_what_they_mean(server: Any, run: Make) -> None:
    def row(label: str, source: str, **more: Any) -> dict[str, Any]:
        ap = {"mean": 0.4, "sd": None, "n": 1}
        return {
            "label": label,
            "role": "student",
            "source": source,
            "seeds": [],
            "metrics": {"ap": ap},
            **more,
        }

    rows = [row("theirs", "external", delta_ap=0.02), row("paper", "cited", note="Du, 2021")]
    server.answers["GET /experiments/e1/comparison"] = {"experiment": "e1", "baseline": "none", "rows": rows}
    shown = run("compare", "e1").out
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    assert lines["theirs†"][1:3] == ["–", "40.0"]
    assert "+2.0" in lines["theirs†"]
    assert "† from outside, judged here; ‡ cited, measured elsewhere" in shown
    assert "paper‡: Du, 2021" in shown
