"""Every option of every method does what its name says: none is taken and then forgotten."""

from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from frs_core import methods
from tests.contract.test_methods import build, losses, resolved, samples, signals

pytestmark = pytest.mark.torch

FULL: dict[str, dict[str, Any]] = {
    "defeat": {"form": "full", "positive_weight": 2.0, "negative_weight": 3.0},
}
"""What brings out all terms of a method."""
OTHER_VALUES: dict[str, Any] = {
    "adapter_kernel": 1,
    "align": False,
    "box_temperature": 3.0,
    "classification_temperature": 5.0,
    "conv": 2,
    "form": "neck",
    "mask_ratio": 0.2,
    "normalisation": {"mask": "mask_x_channels", "mask_x_channels": "mask"},
    "on": "cls",
    "overlap": 0.95,
    "scale": "teacher_variance",
    "temperature": 3.0,
    "terms": ["feature"],
    "threshold": 0.8,
    "warmup_steps": 4000,
}
"""Where half of the value, or another of those there are, would not do."""
NEEDS_CENTERNESS = {"score"}
"""Tested with FCOS, which alone has it."""


def is_weight(option: str) -> bool:
    return option == "weight" or option.endswith("_weight")


def options_of(name: str) -> list[str]:
    return list(methods.get(name).options_type.model_fields)


WEIGHTS = [(name, option) for name in methods.names() for option in options_of(name) if is_weight(option)]
OTHERS = [
    (name, option)
    for name in methods.names()
    for option in options_of(name)
    if not is_weight(option) and option not in NEEDS_CENTERNESS
]


def terms_of(name: str, options: dict[str, Any], *, step: int = 1000) -> dict[str, Tensor]:
    return losses(build(name, options), signals(4, 0), signals(6, 1), step=step)


def changed_terms(name: str, option: str) -> set[str]:
    """Those that a weight of three times its value triples; all others stay as they are."""
    options = FULL.get(name, {})
    before = terms_of(name, options)
    weight = getattr(resolved(name, options), option)
    after = terms_of(name, {**options, option: 3 * weight})
    tripled = {key for key in before if after[key].item() == pytest.approx(3 * before[key].item(), rel=1e-5)}
    same = {key for key in before if after[key].item() == before[key].item()}
    assert tripled | same == set(before)
    return tripled


@pytest.mark.parametrize(("name", "option"), WEIGHTS)
def test_a_weight_multiplies_its_terms_and_leaves_the_others(name: str, option: str) -> None:
    assert changed_terms(name, option)


@pytest.mark.parametrize("name", [name for name in methods.names() if methods.get(name).requires])
def test_every_term_has_one_weight(name: str) -> None:
    groups = [changed_terms(name, option) for option in options_of(name) if is_weight(option)]
    terms = terms_of(name, FULL.get(name, {}))
    assert sorted(term for group in groups for term in group) == sorted(terms)


def other_value(name: str, option: str) -> Any:
    """That of the table, else one found by the option's type: a new method needs no entry here."""
    now = getattr(resolved(name, FULL.get(name, {})), option)
    if option in OTHER_VALUES:
        value = OTHER_VALUES[option]
        return value[now] if isinstance(value, dict) else value
    if isinstance(now, bool):
        return not now
    if isinstance(now, int | float):
        return type(now)(now / 2) or 1
    choices = get_args(methods.get(name).options_type.model_fields[option].annotation)
    return next(choice for choice in choices if choice != now)


@pytest.mark.parametrize(("name", "option"), OTHERS)
def test_no_option_is_without_effect(name: str, option: str) -> None:
    options = FULL.get(name, {})
    value = other_value(name, option)
    before, after = terms_of(name, options), terms_of(name, {**options, option: value})
    assert {key: term.item() for key, term in before.items()} != {
        key: term.item() for key, term in after.items()
    }


@pytest.mark.parametrize("name", [name for name, option in OTHERS if option == "warmup_steps"])
def test_terms_grow_linearly_over_the_warm_up(name: str) -> None:
    options = {**FULL.get(name, {}), "warmup_steps": 100}
    whole = terms_of(name, options, step=100)
    for step, share in ((0, 0.0), (25, 0.25), (1000, 1.0)):
        for key, term in terms_of(name, options, step=step).items():
            assert term.item() == pytest.approx(share * whole[key].item(), rel=1e-5)


def test_fgfi_is_half_of_its_weight_times_the_masked_squares() -> None:
    from frs_core.imitation.features import imitation_loss
    from frs_core.methods.fgfi.loss import near_objects

    method, student, teacher = build("fgfi", {"feature_weight": 0.5}), signals(4, 0), signals(6, 1)
    boxes = [sample.gt_instances.bboxes for sample in samples(2, 2)]
    masks = [near_objects(boxes, level, 0.5) for level in student.anchors]
    expected = 0.25 * imitation_loss(method.adapters(student.neck), teacher.neck, masks)
    torch.testing.assert_close(losses(method, student, teacher)["fgfi_feature"], expected)


def test_defeat_halves_the_mean_inside_boxes_and_the_mean_outside() -> None:
    from frs_core.imitation.boxes import inside_boxes

    options = {"feature_weight": 1.0, "background_weight": 1.0}
    method, student, teacher = build("defeat", options), signals(4, 0), signals(6, 1)
    boxes = [sample.gt_instances.bboxes for sample in samples(2, 2)]
    found = losses(method, student, teacher)
    for name, keep in (("foreground", lambda mask: mask), ("background", lambda mask: 1 - mask)):
        expected = torch.zeros(())
        for ours, theirs in zip(method.adapters(student.neck), teacher.neck, strict=True):
            mask = keep(inside_boxes(boxes, ours.shape[-2:], (64, 96))).expand_as(ours)
            if mask.any():
                expected = expected + ((ours - theirs) ** 2)[mask.bool()].mean() / 2
        torch.testing.assert_close(found[f"defeat_{name}"], expected)


def test_the_weight_of_a_method_multiplies_all_its_terms() -> None:
    from frs_core.methods.batch import Batch
    from frs_core.training.method import Weighted

    student, teacher = signals(4, 0), signals(6, 1)
    batch = Batch(data_samples=samples(2, 2), input_shape=(64, 96))
    once = losses(build("frs", {}), student, teacher)
    both = Weighted([(build("frs", {}), 3.0), (build("pkd", {}), 1.0)]).losses(student, teacher, batch, 1000)
    for key, term in once.items():
        torch.testing.assert_close(both[key], 3 * term)
    torch.testing.assert_close(both["pkd_feature"], losses(build("pkd", {}), student, teacher)["pkd_feature"])


def test_gt_box_counts_each_level_inside_its_own_boxes() -> None:
    from frs_core.imitation.boxes import inside_boxes
    from frs_core.imitation.features import imitation_loss

    method, student, teacher = build("gt_box", {"feature_weight": 1.0}), signals(4, 0), signals(6, 1)
    boxes = [sample.gt_instances.bboxes for sample in samples(2, 2)]
    masks = [inside_boxes(boxes, level.shape[-2:], (64, 96)) for level in teacher.neck]
    expected = imitation_loss(method.adapters(student.neck), teacher.neck, masks)
    torch.testing.assert_close(losses(method, student, teacher)["gt_box_feature"], expected)


def test_crosskd_aligns_what_crosses_into_both_branches() -> None:
    aligned, plain = terms_of("crosskd", {}), terms_of("crosskd", {"align": False})
    assert all(aligned[key].item() != plain[key].item() for key in aligned)
