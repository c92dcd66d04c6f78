"""The whole story of a job, told without a service."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from frs_core.context import LocalContext
from frs_core.cost import Cost
from frs_core.events import (
    ArtifactEvent,
    CheckpointEvent,
    CostEvent,
    EvaluationEvent,
    ProgressEvent,
    ResultEvent,
    event_adapter,
)

pytestmark = pytest.mark.torch

EVALUATION_FILES = ("predictions", "ground_truth", "curves", "errors", "confusion")
PICTURES = {"gt.jpg", "detector.jpg", "index.json"}


def events(workdir: Path) -> list[Any]:
    lines = (workdir / "events.jsonl").read_text().splitlines()
    return [event_adapter.validate_json(line) for line in lines]


def test_a_job_file_trains_with_no_service_at_all(tmp_path: Path, tiny_job: Callable[..., Any]) -> None:
    from frs_core.run import main

    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(tiny_job().model_dump(mode="json")))
    assert main([str(job), "--workdir", str(tmp_path / "out")]) == 0

    found = events(tmp_path / "out")
    assert isinstance(found[-1], ResultEvent)
    assert [(event.split, event.epoch) for event in found if isinstance(event, EvaluationEvent)] == [
        ("val", 1),
        ("val", 2),
        ("test", 2),
    ]
    kinds = [event.kind for event in found if isinstance(event, CheckpointEvent)]
    assert kinds == ["best", "state", "state", "export", "weights"]
    names = {event.name for event in found if isinstance(event, ArtifactEvent)}
    assert {Path(name).name for name in names if name.startswith("pictures/")} == PICTURES
    names = {name for name in names if not name.startswith("pictures/")}
    assert names == {
        *(f"{what}_{split}" for what in EVALUATION_FILES for split in ("val.json", "test.json")),
        "matches_val.npz",
        "matches_test.npz",
        "cost.json",
        "export_config.py",
        "model.onnx",
        "model_card.md",
        "onnx.json",
    }


def test_a_folder_that_holds_a_run_is_not_mixed_with_another(
    tmp_path: Path, tiny_job: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from frs_core.run import main

    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(tiny_job().model_dump(mode="json")))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "events.jsonl").write_text("")
    with pytest.raises(SystemExit, match="2"):
        main([str(job), "--workdir", str(tmp_path / "out")])
    assert "holds a run already" in capsys.readouterr().err


def test_the_model_card_tells_what_was_trained_and_earned(
    tmp_path: Path, tiny_job: Callable[..., Any]
) -> None:
    from frs_core.run import run

    run(tiny_job(), LocalContext(tmp_path))

    card = (tmp_path / "model_card.md").read_text()
    [test] = [
        event for event in events(tmp_path) if isinstance(event, EvaluationEvent) and event.split == "test"
    ]
    assert "retinanet/retinanet_r50_fpn_1x_coco" in card
    assert test.dataset_hash in card
    assert f"| test | {test.num_images} | {test.num_boxes} | {test.metrics['ap']} |" in card
    assert "init_detector" in card
    assert "| `image_bgr` | in | uint8 | ? x 3 x ? x ? |" in card
    [cost] = [event.cost for event in events(tmp_path) if isinstance(event, CostEvent)]
    assert cost == Cost.model_validate_json((tmp_path / "cost.json").read_text())
    assert f"{cost.params:,}" in card
    assert cost.training is not None
    assert cost.training.timed_steps == 5, "all steps but the first"


def test_a_job_file_that_cannot_be_run_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from frs_core.run import main

    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "absent.yaml")])
    assert ended.value.code == 2
    assert "absent.yaml: No such file or directory" in capsys.readouterr().err


def test_a_given_checkpoint_is_evaluated_and_exported(
    tmp_path: Path, tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    from frs_core.run import run

    teacher = teacher_of("retinanet")
    spec = tiny_job("evaluate", detector=teacher["detector"], checkpoint=teacher["checkpoint"])
    run(spec, LocalContext(tmp_path / "run"))

    splits = [event.split for event in events(tmp_path / "run") if isinstance(event, EvaluationEvent)]
    assert splits == ["val", "test"]
    progress = [event for event in events(tmp_path / "run") if isinstance(event, ProgressEvent)]
    assert {(event.total_steps, event.total_epochs) for event in progress} == {(0, 0)}
    assert json.loads((tmp_path / "run" / "ground_truth_test.json").read_text())["images"]


def test_a_teacher_below_the_wanted_ap_fails_after_its_weights_are_kept(
    tmp_path: Path, tiny_job: Callable[..., Any]
) -> None:
    from frs_core.run import run_and_report

    assert run_and_report(tiny_job(min_ap=0.99), LocalContext(tmp_path)) == 1

    last = events(tmp_path)[-1]
    assert (last.code, last.field, last.user_error) == ("below_min_ap", "teacher.min_ap", True)
    assert (tmp_path / "weights.safetensors").exists()
