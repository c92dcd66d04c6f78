"""What a server checks that does not see the workers' disks."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.api import intake
from service.api.problems import ProblemError
from service.settings import Settings

if TYPE_CHECKING:
    from tests.fixtures.submissions import MakeSpec

ELSEWHERE = {"format": "voc", "root": "/only/on/the/workers"}


def test_data_that_only_workers_see_is_left_to_them(make_spec: "MakeSpec") -> None:
    spec = make_spec(dataset=ELSEWHERE, schedule={"epochs": 1, "batch_size": 1000})
    assert intake.check_experiment(spec, Settings(datasets_visible=False)) is None
    with pytest.raises(ProblemError, match="/only/on/the/workers"):
        intake.check_experiment(spec, Settings())


def test_a_teachers_file_that_only_workers_see_is_left_to_them(make_spec: "MakeSpec") -> None:
    detector = make_spec().teacher.detector
    spec = make_spec(teacher={"detector": detector, "checkpoint": "/only/there.pth"}, dataset=ELSEWHERE)
    assert intake.check_experiment(spec, Settings(datasets_visible=False)) is None


def test_generated_data_is_checked_everywhere(make_spec: "MakeSpec") -> None:
    options = {"train_images": 3, "val_images": 1, "test_images": 1, "width": 64, "height": 64}
    spec = make_spec(dataset={"format": "synthetic", "options": options}, schedule={"batch_size": 4})
    with pytest.raises(ProblemError, match="at most 3"):
        intake.check_experiment(spec, Settings(datasets_visible=False))


def test_only_small_data_sets_are_decoded(
    make_spec: "MakeSpec", repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bool] = []
    check = intake.check
    monkeypatch.setattr(intake, "check", lambda spec, *, decode: decoded.append(decode) or check(spec))
    voc = {"format": "voc", "root": str(repo_root / "tests" / "data" / "datasets" / "voc")}
    spec = make_spec(dataset=voc, schedule={"batch_size": 1})
    intake.check_experiment(spec, Settings())
    monkeypatch.setattr(intake, "MAX_DECODED_IMAGES", 2)
    intake.check_experiment(spec, Settings())
    assert decoded == [True, False]


def test_a_cache_too_small_for_the_teachers_outputs_is_refused(make_spec: "MakeSpec") -> None:
    teacher = make_spec().teacher.model_dump(mode="json")
    options = {"train_images": 30, "val_images": 1, "test_images": 1, "width": 64, "height": 64}
    data = {"format": "synthetic", "options": options}
    small = make_spec(dataset=data, teacher={**teacher, "cache": {"max_gib": 1e-6}})
    with pytest.raises(ProblemError, match="30 images x 2 flips") as refused:
        intake.check_experiment(small, Settings())
    assert [fault.field for fault in refused.value.faults] == ["teacher.cache.max_gib"]
    assert intake.check_experiment(make_spec(dataset=data, teacher={**teacher, "cache": {}}), Settings())
