"""One optimizer step: accumulated, in lower precision, averaged over time, with parts held still."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from frs_core.context import LocalContext

pytestmark = pytest.mark.torch
FAMILIES = ("retinanet", "fcos", "gfl", "faster_rcnn", "cascade_rcnn")
Factory = Callable[..., Any]


class Stage:
    """A model of a job with its optimizer, and batches to feed it."""

    def __init__(self, spec: Any, workdir: Path) -> None:
        from frs_core.datasets.check import read_split
        from frs_core.training.optimizer import build_optimizer
        from frs_core.training.samples import SplitImages
        from frs_core.training.train import build_model

        split = read_split(spec.dataset, "train")
        self.images = SplitImages(split, spec.dataset.format, spec.input_size, seed=0, flip_probability=0.0)
        self.model = build_model(spec, split.classes, LocalContext(workdir))
        self.model.step = 400
        self.model.train()
        self.optimizer = build_optimizer(self.model, spec.schedule)

    def batch(self, *indices: int) -> Any:
        from frs_core.detectors.wall import pseudo_collate

        return pseudo_collate([self.images[(0, index)] for index in indices])

    def step(self, *batches: Any) -> dict[str, float]:
        values: dict[str, float] = self.model.train_step(
            [copy.deepcopy(batch) for batch in batches], self.optimizer
        )
        return values

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}


@pytest.fixture
def stage(tmp_path: Path, tiny_job: Factory, teacher_of: Factory) -> Factory:
    """A stage of an FRS job: `stage(family, **schedule)`."""

    def make(family: str = "retinanet", **schedule: Any) -> Stage:
        options = {"warmup_steps": 0, "clip_grad_norm": None, "optimizer": {"name": "sgd", "lr": 0.01}}
        weights = {"feature_weight": 0.01, "classification_weight": 0.05}
        spec = tiny_job(
            "distill",
            family,
            method={"name": "frs", "options": weights},
            teacher=teacher_of(family),
            schedule=options | schedule,
        )
        return Stage(spec, tmp_path)

    return make


def test_equal_halves_make_the_step_of_the_whole(stage: Factory) -> None:
    whole, halves = stage(norm_eval=True), stage(norm_eval=True)
    expected = whole.step(whole.batch(1, 1))
    assert halves.step(halves.batch(1), halves.batch(1)) == pytest.approx(expected, rel=1e-5)
    for name, value in whole.weights().items():
        torch.testing.assert_close(halves.weights()[name], value, rtol=1e-5, atol=1e-7)


def test_a_step_averages_its_batches_by_their_images(stage: Factory) -> None:
    parts = [stage(norm_eval=True), stage(norm_eval=True)]
    before = parts[0].weights()
    parts[0].step(parts[0].batch(0, 1))
    parts[1].step(parts[1].batch(2))
    together = stage(norm_eval=True)
    together.step(together.batch(0, 1), together.batch(2))
    name = "student.bbox_head.retina_cls.weight"
    moved = [part.weights()[name] - before[name] for part in (*parts, together)]
    torch.testing.assert_close(moved[2], moved[0] * 2 / 3 + moved[1] / 3, rtol=1e-4, atol=1e-7)
    assert together.model.step == 401


@pytest.mark.parametrize("family", FAMILIES)
def test_bf16_trains_every_family(family: str, stage: Factory) -> None:
    lowered, full = stage(family, precision="bf16"), stage(family)
    before = lowered.weights()
    values, expected = lowered.step(lowered.batch(0, 1)), full.step(full.batch(0, 1))
    assert values != expected
    assert values["loss"] == pytest.approx(expected["loss"], rel=0.05)
    assert {value.dtype for value in lowered.weights().values()} <= {torch.float32, torch.int64}
    assert any(not torch.equal(value, before[name]) for name, value in lowered.weights().items())


def test_frs_in_bf16_is_float32_arithmetic_on_the_students_bf16_signals(stage: Factory) -> None:
    from frs_core.detectors.signals import Signals
    from frs_core.methods.batch import Batch

    it = stage(precision="bf16")
    batch = it.batch(0, 1)
    teacher = it.model._teacher.signals(list(batch["inputs"]))
    prepared = it.model.student.data_preprocessor(copy.deepcopy(batch), True)
    with torch.autocast("cpu", torch.bfloat16):
        neck = [level.float() for level in it.model.student.extract_feat(prepared["inputs"])]
        cls = [level.float() for level in it.model.student.bbox_head(neck)[0]]
    for level in (*neck, *cls):
        assert torch.equal(level, level.bfloat16().float())
    surroundings = Batch(data_samples=prepared["data_samples"], input_shape=(64, 96))
    signals = Signals(neck=tuple(neck), cls=tuple(cls))
    expected = it.model.method.losses(signals, teacher, surroundings, it.model.step)

    terms = it.model.terms(batch)
    for name, value in expected.items():
        assert value.dtype == terms[name].dtype == torch.float32
        assert torch.equal(terms[name], value)


def test_the_average_follows_the_student_and_is_what_is_kept(stage: Factory) -> None:
    it = stage(ema={"momentum": 0.25})
    name = "bbox_head.retina_cls.weight"
    seen = []
    for _ in range(3):
        it.step(it.batch(0, 1))
        seen.append(it.weights()[f"student.{name}"])
    expected = seen[0]
    for weights in seen[1:]:
        expected = 0.75 * expected + 0.25 * weights
    torch.testing.assert_close(it.model.trained.state_dict()[name], expected)
    running = "backbone.bn1.running_mean"
    assert torch.equal(it.model.trained.state_dict()[running], it.weights()[f"student.{running}"])


def changed(it: Stage) -> set[str]:
    before = it.weights()
    it.step(it.batch(0, 1))
    return {name for name, value in it.weights().items() if not torch.equal(value, before[name])}


def test_batch_norms_keep_their_statistics_or_all_they_have(stage: Factory) -> None:
    found = changed(stage(norm_eval=True))
    assert not [name for name in found if "running" in name]
    assert "student.backbone.bn1.weight" in found
    found = changed(stage(norm_eval=True, norm_frozen=True))
    assert not [name for name in found if ".bn" in name]
    assert "student.backbone.conv1.weight" in found


@pytest.mark.parametrize("backbone", ["ResNet", "ResNeXt", "Res2Net", "RegNet", "MobileNetV2"])
def test_the_first_stages_of_any_backbone_are_held_still(backbone: str) -> None:
    from frs_core.detectors.builders import build_detector
    from frs_core.spec import DetectorSpec, ScheduleSpec
    from frs_core.training.freeze import freeze

    chosen = {"type": backbone} | ({"arch": "regnetx_400mf"} if backbone == "RegNet" else {})
    spec = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone": chosen}
    detector = build_detector(DetectorSpec.model_validate(spec), 2, seed=0)
    freeze(detector, ScheduleSpec(frozen_stages=1))
    trained = [parameter.requires_grad for parameter in detector.backbone.parameters()]
    assert not trained[0]
    assert trained == sorted(trained)
    assert trained[-1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_lower_precision_trains_and_resumes_on_a_gpu(
    family: str, precision: str, tmp_path: Path, tiny_job: Factory, teacher_of: Factory
) -> None:
    from frs_core.run import run

    options = {"feature_weight": 0.01, "classification_weight": 0.05}
    schedule = {
        "steps": 4,
        "batch_size": 2,
        "precision": precision,
        "checkpoint_every_steps": 2,
        "keep_states": 9,
    }
    spec = tiny_job(
        "distill",
        family,
        method={"name": "frs", "options": options},
        teacher=teacher_of(family),
        schedule={**schedule, "precision": precision},
        resources={"gpus": 1},
    )
    run(spec, LocalContext(tmp_path / "first"))
    state = tmp_path / "first" / "state_00000002.pth"
    assert ("loss_scaler" in torch.load(state, weights_only=True)["optimizer"]) == (precision == "fp16")
    run(spec, LocalContext(tmp_path / "second", resume_from=state))
