"""Each method beside each detector family that it fits: what it adds to a step, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from frs_core import methods
from frs_core.context import LocalContext
from tests.unit.frs_core.training.conftest import DETECTORS
from tests.unit.frs_core.training.test_distilling import first_terms

pytestmark = pytest.mark.torch
Make = Callable[..., Any]

GIVEN: dict[str, dict[str, Any]] = {
    "crosskd": {"conv": 1},
    "defeat": {
        "form": "full",
        **dict.fromkeys(("feature_weight", "background_weight", "positive_weight", "negative_weight"), 1.0),
    },
    "fgd": {
        "temperature": 0.5,
        **dict.fromkeys(
            ("foreground_weight", "background_weight", "attention_weight", "relation_weight"), 0.01
        ),
    },
    "frs": {"feature_weight": 0.01, "classification_weight": 0.05, "warmup_steps": 10},
    "mgd": {"feature_weight": 1e-5, "mask_ratio": 0.5},
    "pkd": {"feature_weight": 1.0},
    **{name: {"feature_weight": 0.01} for name in ("fitnet", "gt_box")},
    **{
        name: {"feature_weight": 0.01, "threshold": 0.0}  # this teacher knows nothing
        for name in ("teacher_threshold", "label_and_threshold")
    },
}
"""So that no family is refused for want of a published weight."""

MISFITS = {
    **{("fgfi", "fcos"): "points"},
    **{("ld", family): "distributions" for family in DETECTORS if family != "gfl"},
    **{("crosskd", family): "head features" for family in ("faster_rcnn", "cascade_rcnn")},
}
NAMES = [name for name in methods.names() if name != "none"]
FITTING = [(name, family) for name in NAMES for family in DETECTORS if (name, family) not in MISFITS]


def job(tiny_job: Make, teacher_of: Make, name: str, family: str, **teacher: Any) -> Any:
    return tiny_job(
        "distill",
        family,
        method={"name": name, "options": GIVEN.get(name, {})},
        teacher={**teacher_of(family), **teacher},
        seed=4,
    )


@pytest.mark.parametrize(("name", "family"), MISFITS)
def test_what_does_not_fit_is_refused_with_the_reason(
    name: str, family: str, tiny_job: Make, teacher_of: Make
) -> None:
    with pytest.raises(ValidationError, match=MISFITS[name, family]):
        job(tiny_job, teacher_of, name, family)


@pytest.mark.parametrize(("name", "family"), FITTING)
def test_its_terms_train_the_student_beside_the_very_same_plain_loss(
    name: str, family: str, tiny_job: Make, teacher_of: Make
) -> None:
    alone, _ = first_terms(tiny_job("train", family, seed=4))
    terms, model = first_terms(job(tiny_job, teacher_of, name, family))
    own = {key: term for key, term in terms.items() if key not in alone}
    assert own
    assert all(torch.equal(term, terms[key]) for key, term in alone.items())
    assert all(torch.isfinite(term) for term in own.values())

    teacher = model._teacher.detector
    before = {key: tensor.clone() for key, tensor in teacher.state_dict().items()}
    sum(own.values()).backward()  # type: ignore[union-attr]
    assert any(
        parameter.grad is not None and parameter.grad.any() for parameter in model.student.parameters()
    )
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(tensor, before[key]) for key, tensor in teacher.state_dict().items())
    assert all(key.startswith(("student.", "method.")) for key in model.state_dict())


@pytest.mark.parametrize(("name", "family"), [("ld", "gfl"), ("crosskd", "fcos"), ("fgd", "retinanet")])
def test_a_cached_teacher_gives_the_same_terms(
    name: str, family: str, tiny_job: Make, teacher_of: Make, tmp_path: Path
) -> None:
    from frs_core.datasets.check import read_split
    from frs_core.training.cached_teacher import cached

    spec = job(tiny_job, teacher_of, name, family, cache={})
    direct, _ = first_terms(spec)
    split = read_split(spec.dataset, "train")
    context = LocalContext(tmp_path / "run", cache_dir=tmp_path / "cache")
    for _ in range(2):  # once computed and kept, once read
        kept, other = first_terms(spec, lambda teacher: cached(teacher, spec, split, context))
        other.close()
        for key, term in direct.items():
            torch.testing.assert_close(kept[key], term, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["crosskd", "ld", "fgfi"])
def test_it_leaves_the_student_as_it_was(name: str, tiny_job: Make, teacher_of: Make) -> None:
    """What watches the student during a step is gone after it."""
    terms, model = first_terms(job(tiny_job, teacher_of, name, "gfl"))
    head = model.student.bbox_head
    assert terms
    assert "get_targets" not in vars(head)
    assert all(conv.activate.inplace for conv in (*head.cls_convs, *head.reg_convs))
    assert not any(module._forward_hooks for module in model.student.modules())


def fitting(name: str) -> str:
    """A family that the method fits."""
    return next(family for family in ("retinanet", "gfl") if (name, family) not in MISFITS)


@pytest.mark.parametrize("name", NAMES)
def test_images_of_several_sizes_are_padded_for_both(name: str, tiny_job: Make, teacher_of: Make) -> None:
    """The second image is a corner of what it was; the rest of its batch's input is padding."""
    family = fitting(name)

    def corner(batch: dict[str, Any]) -> dict[str, Any]:
        batch["inputs"] = [batch["inputs"][0], batch["inputs"][1][:, :40, :56].contiguous()]
        sample = batch["data_samples"][1]
        sample.set_metainfo({"img_shape": (40, 56), "pad_shape": (40, 56)})
        boxes = sample.gt_instances.bboxes.tensor
        sample.gt_instances = sample.gt_instances[(boxes[:, 2] <= 56) & (boxes[:, 3] <= 40)]
        return batch

    alone, _ = first_terms(tiny_job("train", family, seed=4), change=corner)
    terms, _ = first_terms(job(tiny_job, teacher_of, name, family), change=corner)
    assert len(terms) > len(alone)
    assert all(torch.equal(term, terms[key]) for key, term in alone.items())
    assert all(torch.isfinite(term) for term in terms.values())
