"""FRS on numbers worked by hand."""

import math

import pytest
import torch

from frs_core.methods.frs.loss import classification_loss, feature_loss, richness

pytestmark = pytest.mark.torch


def test_richness_is_the_highest_class_probability_of_a_location() -> None:
    logits = torch.tensor([[[[0.0, -1.0]], [[math.log(3.0), -2.0]]]])  # (1, 2, 1, 2)
    (scores,) = richness([logits])
    assert scores.shape == (1, 1, 1, 2)
    torch.testing.assert_close(scores.flatten(), torch.tensor([0.75, torch.tensor(-1.0).sigmoid()]))


def test_feature_loss_weights_locations_and_sums_over_channels_and_levels() -> None:
    teacher = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]]])  # (1, 2, 1, 2)
    student = torch.zeros_like(teacher)
    scores = torch.tensor([[[[0.25, 0.75]]]])
    # (0.25 * (1 + 0) + 0.75 * (4 + 16)) / (0.25 + 0.75) = 15.25
    torch.testing.assert_close(feature_loss([student], [teacher], [scores]), torch.tensor(15.25))
    both = feature_loss([student, student], [teacher, teacher], [scores, scores])
    torch.testing.assert_close(both, torch.tensor(30.5))


def test_classification_loss_is_the_weighted_cross_entropy_to_the_teachers_probability() -> None:
    teacher = torch.tensor([[[[math.log(3.0), 0.0]]]])  # probabilities 0.75, 0.5
    student = torch.zeros_like(teacher)  # probability 0.5: every cross entropy is log 2
    scores = torch.tensor([[[[0.75, 0.5]]]])
    torch.testing.assert_close(
        classification_loss([student], [teacher], [scores]), torch.tensor(math.log(2.0))
    )


def test_no_richness_at_all_gives_no_loss_and_no_gradient() -> None:
    student = torch.randn(2, 3, 4, 4, requires_grad=True)
    nothing = torch.zeros(2, 1, 4, 4)
    loss = feature_loss([student], [torch.randn(2, 3, 4, 4)], [nothing]) + classification_loss(
        [student], [torch.randn(2, 3, 4, 4)], [nothing]
    )
    loss.backward()
    assert loss.item() == 0
    assert student.grad is not None
    assert student.grad.abs().max() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_signals_are_judged_in_float32(dtype: torch.dtype) -> None:
    student = torch.full((1, 1, 1, 1), 300.0, dtype=dtype)  # squared it overflows float16
    loss = feature_loss([student], [torch.zeros_like(student)], [torch.ones(1, 1, 1, 1)])
    assert loss.dtype is torch.float32
    assert loss.item() == pytest.approx(float(student) ** 2)


def test_richness_of_fcos_may_count_the_centerness() -> None:
    logits, centerness = torch.zeros(1, 3, 1, 1), torch.full((1, 1, 1, 1), math.log(3.0))
    (scores,) = richness([logits], [centerness])
    torch.testing.assert_close(scores, torch.full((1, 1, 1, 1), 0.5 * 0.75))


@pytest.mark.parametrize("term", ["feature", "classification"])
def test_an_ablation_has_one_term_and_only_the_parameters_it_needs(term: str) -> None:
    from frs_core.detectors.signals import Signals
    from frs_core.methods.batch import Batch, Levels
    from frs_core.methods.frs.loss import Method
    from frs_core.methods.frs.options import Options

    options = Options(feature_weight=1.0, classification_weight=1.0, terms=(term,), adapter_kernel=1)
    method = Method(options, Levels(num_levels=1, student_channels=2, teacher_channels=3), seed=0)
    student = Signals(neck=(torch.randn(1, 2, 4, 4),), cls=(torch.randn(1, 5, 4, 4),))
    teacher = Signals(neck=(torch.randn(1, 3, 4, 4),), cls=(torch.randn(1, 5, 4, 4),))
    terms = method.losses(student, teacher, Batch(data_samples=(), input_shape=(32, 32)), 1000)
    assert list(terms) == [f"frs_{term}"]
    shapes = [tuple(parameter.shape) for parameter in method.parameters()]
    assert shapes == ([(3, 2, 1, 1), (3,)] if term == "feature" else [])


def test_diagnostics_say_where_the_richness_lies_and_how_far_the_features_are() -> None:
    from types import SimpleNamespace

    from frs_core.detectors.signals import Signals
    from frs_core.methods.batch import Batch, Levels
    from frs_core.methods.frs.loss import Method
    from frs_core.methods.frs.options import Options

    options = Options(feature_weight=1.0, classification_weight=1.0)
    method = Method(options, Levels(num_levels=1, student_channels=1, teacher_channels=1), seed=0)
    logit = math.log(0.04 / 0.96)  # S = 0.04 on the left, 0.5 on the right
    teacher = Signals(neck=(torch.full((1, 1, 1, 2), 3.0),), cls=(torch.tensor([[[[logit, 0.0]]]]),))
    student = Signals(neck=(torch.full((1, 1, 1, 2), 1.0),), cls=(torch.zeros(1, 1, 1, 2),))
    sample = SimpleNamespace(gt_instances=SimpleNamespace(bboxes=torch.tensor([[16.0, 0.0, 32.0, 16.0]])))

    found = method.diagnostics(student, teacher, Batch(data_samples=[sample], input_shape=(16, 32)))

    assert float(found["frs/mean_score/level_0"]) == pytest.approx(0.27)
    assert float(found["frs/score_in_boxes/level_0"]) == pytest.approx(0.5 / 0.54)
    assert float(found["frs/score_from_low/level_0"]) == pytest.approx(0.04 / 0.54)
    assert float(found["frs/feature_error_unadapted/level_0"]) == pytest.approx(4.0)
    assert math.isfinite(found["frs/feature_error/level_0"])
