"""What a detector's training starts with, and what a given one is judged with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from frs_core.context import LocalContext
from frs_core.errors import CheckpointError
from frs_core.events import WarningEvent, event_adapter
from frs_core.files import file_sha256
from frs_core.weights.sources import WeightsSources
from tests.unit.frs_core.detectors.checkpoints.conftest import Hostile
from tests.unit.frs_core.training.conftest import DETECTORS
from tests.unit.frs_core.training.test_resume import StopsAfter

if TYPE_CHECKING:
    from tests.fixtures.https_server import HttpsServer

pytestmark = pytest.mark.torch
Job = Callable[..., Any]
CLASSIFIERS = {
    "retinanet": ["bbox_head.retina_cls"],
    "fcos": ["bbox_head.conv_cls"],
    "gfl": ["bbox_head.gfl_cls"],
    "faster_rcnn": ["roi_head.bbox_head.fc_cls", "roi_head.bbox_head.fc_reg"],
    "cascade_rcnn": [f"roi_head.bbox_head.{stage}.fc_cls" for stage in range(3)],
}


def published(path: Path, family: str, num_classes: int = 80, **meta: Any) -> Path:
    """A detector of that many classes, as OpenMMLab saves one."""
    from mmengine.logging import HistoryBuffer

    from frs_core.detectors.builders import build_detector
    from frs_core.spec import DetectorSpec

    detector = build_detector(DetectorSpec.model_validate(DETECTORS[family]), num_classes, seed=77)
    hub = {"log_scalars": {"train/loss": HistoryBuffer([1.0, 0.5], [1, 1])}, "runtime_info": {}}
    torch.save({"meta": meta, "state_dict": detector.state_dict(), "message_hub": hub}, path)
    return path


def started(spec: Any, workdir: Path, **context: Any) -> dict[str, torch.Tensor]:
    """The student of a job as its training begins."""
    from frs_core.datasets.check import read_split
    from frs_core.training.train import build_model

    split = read_split(spec.dataset, "train")
    model = build_model(spec, split.classes, LocalContext(workdir, **context))
    return dict(model.student.state_dict())


def last_event(workdir: Path) -> Any:
    return event_adapter.validate_json((workdir / "events.jsonl").read_text().splitlines()[-1])


def warnings(workdir: Path) -> dict[str, str]:
    lines = (workdir / "events.jsonl").read_text().splitlines()
    found = [event_adapter.validate_json(line) for line in lines]
    return {event.code: event.message for event in found if isinstance(event, WarningEvent)}


@pytest.mark.parametrize("family", DETECTORS)
def test_a_detector_of_other_classes_is_fine_tuned_with_a_new_head(
    family: str, tmp_path: Path, tiny_job: Job
) -> None:
    file = published(tmp_path / "coco.pth", family)
    weights = started(tiny_job("train", family, checkpoint=str(file)), tmp_path)
    fresh = started(tiny_job("train", family), tmp_path)
    given = torch.load(file, weights_only=False)["state_dict"]

    report = json.loads((tmp_path / "imported_checkpoint.json").read_text())
    replaced = {f"{layer}.{part}" for layer in CLASSIFIERS[family] for part in ("weight", "bias")}
    assert set(report["replaced"]) == replaced
    assert report["sha256"] == file_sha256(file)
    assert (report["missing"], report["mismatched"], report["unexpected"]) == ([], [], [])
    for name, tensor in weights.items():
        assert torch.equal(tensor, fresh[name] if name in replaced else given[name]), name
    assert "is for other classes" in warnings(tmp_path)["weights_replaced"]


@pytest.mark.parametrize(("theirs", "is_kept"), [(("a", "b", "c", "d", "e"), False), (None, True)])
def test_as_many_other_classes_are_told_by_their_names(
    theirs: tuple[str, ...] | None, is_kept: bool, tmp_path: Path, tiny_job: Job
) -> None:
    meta = {} if theirs is None else {"CLASSES": theirs}
    file = published(tmp_path / "own.pth", "retinanet", 5, **meta)
    started(tiny_job("train", checkpoint=str(file)), tmp_path)
    report = json.loads((tmp_path / "imported_checkpoint.json").read_text())
    assert bool(report["replaced"]) is not is_kept


def test_another_detectors_weights_are_refused(tmp_path: Path, tiny_job: Job) -> None:
    from frs_core.run import run_and_report

    file = published(tmp_path / "gfl.pth", "gfl")
    assert run_and_report(tiny_job("train", checkpoint=str(file)), LocalContext(tmp_path / "run")) == 1
    ending = last_event(tmp_path / "run")
    assert (ending.code, ending.field, ending.user_error) == ("invalid_checkpoint", "checkpoint", True)
    assert "not one of this detector" in ending.message


def test_a_resumed_run_takes_nothing_but_its_state(tmp_path: Path, tiny_job: Job, teacher_of: Any) -> None:
    from frs_core.run import STOPPED_EXIT_CODE, run_and_report

    file = published(tmp_path / "start.pth", "retinanet")
    teacher = teacher_of("retinanet")
    method = {"name": "none", "init": "inherit"}
    spec = tiny_job("distill", checkpoint=str(file), method=method, teacher=teacher)
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    assert run_and_report(spec, LocalContext(whole)) == 0
    assert run_and_report(spec, StopsAfter(first, 1)) == STOPPED_EXIT_CODE
    (state,) = first.glob("state_*.pth")
    file.unlink()
    assert run_and_report(spec, LocalContext(second, resume_from=state)) == 0

    weights = "weights.safetensors"
    assert (second / weights).read_bytes() == (whole / weights).read_bytes()
    assert (whole / "inherited.json").exists()
    assert not (second / "imported_checkpoint.json").exists()
    assert not (second / "inherited.json").exists()


def test_a_backbone_starts_from_its_published_weights(
    tmp_path: Path, tiny_job: Job, https_server: "HttpsServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    from frs_core import zoo
    from frs_core.detectors.builders import build_detector
    from frs_core.spec import DetectorSpec

    knobs = {**DETECTORS["retinanet"], "base_channels": 64}
    source = build_detector(DetectorSpec.model_validate(knobs), 2, seed=5).backbone
    file = tmp_path / "resnet18.pth"
    torch.save({**source.state_dict(), "fc.weight": torch.ones(1000, 512)}, file)
    https_server.files["/models/resnet18.pth"] = file.read_bytes()
    address = https_server.url("/models/resnet18.pth")
    monkeypatch.setattr(zoo, "backbone_weights", lambda: {"torchvision://resnet18": address})

    own = (https_server.host,)
    sources = WeightsSources(mirror=tmp_path / "mirror", hosts=own, private_hosts=own)
    weights = started(tiny_job("train", detector=knobs, init="imagenet"), tmp_path, sources=sources)
    for name, tensor in source.state_dict().items():
        assert torch.equal(weights[f"backbone.{name}"], tensor), name
    assert json.loads((tmp_path / "imported_init.json").read_text())["unexpected"] == ["fc.weight"]
    assert https_server.asked == ["/models/resnet18.pth"]


@pytest.mark.parametrize("place", ["evaluate", "train", "teacher", "imagenet", "https", "resume"])
def test_nothing_inside_a_file_is_executed_on_any_way_in(
    place: str,
    tmp_path: Path,
    tiny_job: Job,
    https_server: "HttpsServer",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from frs_core import zoo
    from frs_core.run import run_and_report

    trap = Hostile(tmp_path / "marker")
    file = tmp_path / "hostile.pth"
    torch.save({"state_dict": {}, "meta": {"trap": trap}}, file)
    torch.load(file, weights_only=False)
    assert trap.marker.exists(), "the trap works"
    trap.marker.unlink()
    https_server.files["/hostile.pth"] = file.read_bytes()
    address = https_server.url("/hostile.pth")
    monkeypatch.setattr(zoo, "backbone_weights", lambda: {"torchvision://resnet18": address})
    spec = {
        "evaluate": lambda: tiny_job("evaluate", checkpoint=str(file)),
        "train": lambda: tiny_job("train", checkpoint=str(file)),
        "teacher": lambda: tiny_job(
            "distill",
            method={"name": "frs"},
            teacher={"detector": DETECTORS["retinanet"], "checkpoint": str(file)},
        ),
        "imagenet": lambda: tiny_job(
            "train", detector={**DETECTORS["retinanet"], "base_channels": 64}, init="imagenet"
        ),
        "https": lambda: tiny_job("evaluate", checkpoint=address),
        "resume": tiny_job,
    }[place]()
    own = (https_server.host,)
    sources = WeightsSources(mirror=tmp_path / "mirror", hosts=own, private_hosts=own)
    state = file if place == "resume" else None
    context = LocalContext(tmp_path / "run", resume_from=state, sources=sources)

    assert run_and_report(spec, context) == 1
    ending = last_event(tmp_path / "run")
    assert ending.code == "invalid_checkpoint"
    assert "posix.system" in ending.message
    assert not trap.marker.exists()


def test_zoo_weights_that_are_nowhere_are_asked_for_in_words(tmp_path: Path, tiny_job: Job) -> None:
    from frs_core import zoo
    from frs_core.run import run_and_report

    name = "retinanet/retinanet_r18_fpn_1x_coco"
    sources = WeightsSources(mirror=tmp_path / "mirror", hosts=())
    spec = tiny_job("evaluate", detector={"zoo": name}, checkpoint="zoo")
    assert run_and_report(spec, LocalContext(tmp_path / "run", sources=sources)) == 1
    ending = last_event(tmp_path / "run")
    address = zoo.entry(name).weights_url
    assert ending.code == "invalid_checkpoint"
    assert f"{tmp_path}/mirror/{address.removeprefix('https://')}" in ending.message


def test_a_given_detector_of_other_classes_is_refused(tmp_path: Path, tiny_job: Job) -> None:
    from frs_core.run import run

    file = published(tmp_path / "a.pth", "retinanet", 5, dataset_meta={"classes": ("a", "b", "c", "d", "e")})
    with pytest.raises(CheckpointError, match="for the classes a,b,c,d,e") as caught:
        run(tiny_job("evaluate", checkpoint=str(file)), LocalContext(tmp_path / "run"))
    assert caught.value.field == "checkpoint"


def test_another_ap_than_expected_fails_the_job(tmp_path: Path, tiny_job: Job) -> None:
    from frs_core.run import run_and_report

    file = published(tmp_path / "a.pth", "retinanet", 5)
    spec = tiny_job("evaluate", checkpoint=str(file), expected_ap=0.389)
    assert run_and_report(spec, LocalContext(tmp_path / "run")) == 1
    ending = last_event(tmp_path / "run")
    assert (ending.code, ending.field, ending.user_error) == ("unexpected_ap", "expected.teacher", True)
    near = tiny_job("evaluate", checkpoint=str(file), expected_ap=0.0)
    assert run_and_report(near, LocalContext(tmp_path / "again")) == 0
