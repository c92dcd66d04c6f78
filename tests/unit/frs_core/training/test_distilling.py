"""The model that trains: one luck for all methods, a teacher that nothing saves."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from frs_core.context import LocalContext
from tests.unit.frs_core.detectors.test_backbones import BACKBONES
from tests.unit.frs_core.training.conftest import DETECTORS

pytestmark = pytest.mark.torch
FAMILIES = ("retinanet", "fcos", "gfl", "faster_rcnn", "cascade_rcnn")


def first_terms(
    spec: Any,
    wrap: Callable[[Any], Any] = lambda teacher: teacher,
    change: Callable[[Any], Any] = lambda batch: batch,
) -> tuple[dict[str, torch.Tensor], Any]:
    from frs_core.datasets.check import read_split
    from frs_core.training.samples import SplitImages, StepSampler, make_loader
    from frs_core.training.train import build_model

    split = read_split(spec.dataset, "train")
    with tempfile.TemporaryDirectory() as workdir:
        model = build_model(spec, split.classes, LocalContext(Path(workdir)))
    model.read_teacher_through(wrap)
    images = SplitImages(split, spec.dataset.format, spec.input_size, seed=spec.seed, flip_probability=0.5)
    sampler = StepSampler(len(images), 2, seed=spec.seed, first_step=0, total_steps=1)
    [[batch]] = make_loader(images, sampler, batch_size=2, data_workers=0)
    model.train()
    model.step = 400
    return model.terms(change(batch)), model


@pytest.mark.parametrize("family", FAMILIES)
def test_the_plain_loss_of_step_0_is_the_same_bit_for_bit_with_and_without_frs(
    family: str, tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    teacher = teacher_of(family)
    alone, _ = first_terms(tiny_job("distill", family, method={"name": "none"}, teacher=teacher, seed=4))
    distilled, _ = first_terms(
        tiny_job(
            "distill",
            family,
            method={"name": "frs", "options": {"feature_weight": 0.01, "classification_weight": 0.05}},
            teacher=teacher,
            seed=4,
        )
    )
    assert distilled.keys() - alone.keys() == {"frs_feature", "frs_classification"}
    assert all(torch.equal(term, distilled[name]) for name, term in alone.items())
    assert all(distilled[name] > 0 for name in ("frs_feature", "frs_classification"))


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_frs_trains_a_student_of_another_backbone(
    backbone: dict[str, Any], tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    student = {"zoo": DETECTORS["retinanet"]["zoo"], "fpn_channels": 8, "stacked_convs": 1}
    job = {"method": {"name": "frs"}, "teacher": teacher_of("retinanet")}
    terms, model = first_terms(tiny_job("distill", detector={**student, "backbone": backbone}, **job))
    (terms["frs_feature"] + terms["frs_classification"]).backward()
    stem = next(model.student.backbone.parameters()).grad
    assert torch.isfinite(stem).all()
    assert stem.any()


@pytest.mark.parametrize(("teacher", "student"), [("retinanet", "gfl"), ("gfl", "retinanet")])
def test_features_alone_are_imitated_across_heads(
    teacher: str,
    student: str,
    tiny_job: Callable[..., Any],
    teacher_of: Callable[[str], dict[str, Any]],
) -> None:
    method = {"name": "frs", "options": {"terms": ["feature"]}}
    terms, model = first_terms(tiny_job("distill", student, method=method, teacher=teacher_of(teacher)))
    terms["frs_feature"].backward()
    assert "frs_classification" not in terms
    assert terms["frs_feature"] > 0
    assert any(parameter.grad is not None for parameter in model.student.backbone.parameters())


def test_another_seed_is_another_student(tiny_job: Callable[..., Any]) -> None:
    one, _ = first_terms(tiny_job(seed=0))
    other, _ = first_terms(tiny_job(seed=1))
    assert not torch.equal(one["cls"], other["cls"])


def test_the_teacher_is_frozen_and_in_no_state_dict(
    tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    spec = tiny_job("distill", method={"name": "frs"}, teacher=teacher_of("retinanet"))
    terms, model = first_terms(spec)
    teacher = model._teacher.detector
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    torch.stack(list(terms.values())).sum().backward()

    assert all(name.startswith(("student.", "method.")) for name in model.state_dict())
    known = {id(parameter) for parameter in model.parameters()}
    assert not any(id(parameter) in known for parameter in teacher.parameters())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())


def test_from_scratch_every_student_parameter_trains(tiny_job: Callable[..., Any]) -> None:
    """The zoo's configs freeze the stem and all batch norms; from scratch neither may stay frozen."""
    from torch.nn.modules.batchnorm import _BatchNorm

    terms, model = first_terms(tiny_job())
    torch.stack(list(terms.values())).sum().backward()
    assert all(parameter.requires_grad for parameter in model.student.parameters())
    norms = [module for module in model.student.backbone.modules() if isinstance(module, _BatchNorm)]
    assert norms
    assert all(norm.training for norm in norms)


def test_a_loss_that_is_not_finite_ends_the_run_and_names_the_term(tiny_job: Callable[..., Any]) -> None:
    from frs_core.errors import NonFiniteLossError
    from frs_core.training.model import DistillingDetector

    model = DistillingDetector(torch.nn.Identity(), None, None, seed=0, schedule=tiny_job().schedule)
    with pytest.raises(NonFiniteLossError, match="'cls' became nan at step 0"):
        model._refuse_nonfinite({"bbox": 1.0, "cls": float("nan")}, {"data_samples": []})


@pytest.mark.parametrize("method", ["none", "frs"])
def test_a_student_may_inherit_neck_and_heads(
    method: str, tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    from frs_core.detectors.checkpoints import load_tensors

    teacher = teacher_of("retinanet")
    spec = tiny_job("distill", method={"name": method, "init": "inherit"}, teacher=teacher, seed=4)
    _, model = first_terms(spec)
    _, alone = first_terms(tiny_job("distill", method={"name": "none"}, teacher=teacher, seed=4))

    source = load_tensors(Path(teacher["checkpoint"])).state_dict
    ours, scratch = model.student.state_dict(), alone.student.state_dict()
    assert all(torch.equal(ours[name], source[name]) for name in model.inherited.copied)
    assert "bbox_head.retina_cls.weight" in model.inherited.copied
    # the teacher's backbone is twice as wide, so the neck's lateral convolutions cannot be copied
    assert "neck.lateral_convs.0.conv.weight" in model.inherited.skipped
    assert all(torch.equal(ours[name], scratch[name]) for name in model.inherited.skipped)
    assert torch.equal(ours["backbone.conv1.weight"], scratch["backbone.conv1.weight"])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_folded_teacher_yields_what_the_teacher_yields(family: str) -> None:
    from torch.nn.modules.batchnorm import _BatchNorm

    from frs_core.detectors.builders import build_detector
    from frs_core.detectors.signals import teacher_signals
    from frs_core.methods import Signal
    from frs_core.spec import DetectorSpec
    from frs_core.training.model import Teacher

    requires = frozenset({Signal.NECK, Signal.CLS})
    detector = build_detector(DetectorSpec.model_validate(DETECTORS[family]), 3, seed=1).eval()
    with torch.no_grad():
        for norm in (module for module in detector.modules() if isinstance(module, _BatchNorm)):
            norm.running_mean.uniform_(-0.5, 0.5)
            norm.running_var.uniform_(0.5, 2.0)
            norm.weight.uniform_(0.5, 1.5)
    images = [torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)]
    before = teacher_signals(detector, family, images, requires)

    after = Teacher(detector, family, requires).signals(images)

    assert not any(isinstance(module, _BatchNorm) for module in detector.backbone.modules())
    for old, new in zip((*before.neck, *before.cls), (*after.neck, *after.cls), strict=True):
        torch.testing.assert_close(new, old, rtol=1e-5, atol=1e-5 * float(old.abs().max()))


def test_a_teacher_in_bf16_changes_the_methods_terms_a_little_and_the_detectors_own_not_at_all(
    tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]
) -> None:
    teacher = teacher_of("retinanet")
    found = {}
    for precision in ("fp32", "bf16"):
        spec = tiny_job(
            "distill", method={"name": "frs"}, teacher={**teacher, "precision": precision}, seed=4
        )
        found[precision], model = first_terms(spec)
        signals = model._teacher.signals([torch.zeros(3, 64, 96, dtype=torch.uint8)])
        assert {level.dtype for level in (*signals.neck, *signals.cls)} == {torch.float32}
    for name, exact in found["fp32"].items():
        if name.startswith("frs_"):
            assert not torch.equal(found["bf16"][name], exact)
            torch.testing.assert_close(found["bf16"][name], exact, rtol=0.03, atol=0)
        else:
            assert torch.equal(found["bf16"][name], exact)
