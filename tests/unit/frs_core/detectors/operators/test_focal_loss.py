"""The sigmoid focal loss against hand-computed numbers, the published formula and numerical gradients."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from frs_core.detectors.operators.focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward

NO_WEIGHT = torch.empty(0)


def loss(
    logits: Tensor, target: Tensor, weight: Tensor = NO_WEIGHT, gamma: float = 2.0, alpha: float = 0.25
) -> Tensor:
    output = torch.full_like(logits, math.nan)
    sigmoid_focal_loss_forward(logits, target, weight, output, gamma=gamma, alpha=alpha)
    return output


class Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target, gamma, alpha):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(logits, target)
        ctx.gamma, ctx.alpha = gamma, alpha
        return loss(logits, target, gamma=gamma, alpha=alpha)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        logits, target = ctx.saved_tensors
        result = torch.full_like(logits, math.nan)
        sigmoid_focal_loss_backward(
            logits, target, logits.new_empty(0), result, gamma=ctx.gamma, alpha=ctx.alpha
        )
        return result * gradient, None, None, None


def test_a_logit_of_zero_by_hand() -> None:
    # p = 1/2: the positive costs 0.25 * 0.5**2 * ln 2, the negative 0.75 * 0.5**2 * ln 2.
    expected = torch.tensor([[0.0625 * math.log(2), 0.1875 * math.log(2)]])
    torch.testing.assert_close(loss(torch.zeros(1, 2), torch.tensor([0])), expected)


def test_background_has_no_positive() -> None:
    expected = torch.full((1, 2), 0.1875 * math.log(2))
    torch.testing.assert_close(loss(torch.zeros(1, 2), torch.tensor([2])), expected)


def test_each_row_weighs_as_its_class_and_background_as_one() -> None:
    logits, target = torch.zeros(3, 2), torch.tensor([0, 1, 2])
    ratio = loss(logits, target, torch.tensor([3.0, 5.0])) / loss(logits, target)
    torch.testing.assert_close(ratio, torch.tensor([[3.0], [5.0], [1.0]]).expand(3, 2))


@pytest.mark.parametrize("gamma", [0.0, 1.5, 2.0])
def test_agrees_with_the_cross_entropy_form(gamma: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 4, generator=generator, dtype=torch.float64) * 4
    target = torch.randint(0, 5, (50,), generator=generator)
    positive = one_hot(target, 5)[:, :4].double()
    wrong = (logits.sigmoid() - positive).abs()
    balance = 0.25 * positive + 0.75 * (1 - positive)
    expected = balance * wrong**gamma * binary_cross_entropy_with_logits(logits, positive, reduction="none")
    torch.testing.assert_close(loss(logits, target, gamma=gamma), expected)


@pytest.mark.parametrize("gamma", [0.0, 1.5, 2.0])
def test_the_gradient_is_the_numerical_one(gamma: float) -> None:
    logits = torch.randn(
        6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True
    )
    target = torch.tensor([0, 1, 2, 3, 1, 0])
    assert torch.autograd.gradcheck(Differentiable.apply, (logits, target, gamma, 0.3))


def test_a_saturated_logit_stays_exact_and_finite() -> None:
    logits = torch.tensor([[60.0, -60.0]])
    torch.testing.assert_close(loss(logits, torch.tensor([1])), torch.tensor([[45.0, 15.0]]))
    gradient = torch.empty_like(logits)
    sigmoid_focal_loss_backward(logits, torch.tensor([1]), NO_WEIGHT, gradient, gamma=2.0, alpha=0.25)
    torch.testing.assert_close(gradient, torch.tensor([[0.75, -0.25]]))


def test_half_precision_is_computed_in_single() -> None:
    logits = torch.randn(20, 3, generator=torch.Generator().manual_seed(2)).half()
    target = torch.randint(0, 4, (20,), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(loss(logits, target), loss(logits.float(), target).half())


@pytest.mark.torch
def test_mmcv_agrees_with_mmdets_own_formula() -> None:
    from frs_core.detectors.operators import install

    install()
    from mmcv.ops import sigmoid_focal_loss
    from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(40, 3, generator=generator, requires_grad=True)
    target = torch.randint(0, 4, (40,), generator=generator)
    reference = (
        py_sigmoid_focal_loss(logits, one_hot(target, 4)[:, :3], reduction="mean") * 3
    )  # mmcv divides by N
    (expected,) = torch.autograd.grad(reference, logits)
    ours = sigmoid_focal_loss(logits, target, 2.0, 0.25, None, "mean")
    (gradient,) = torch.autograd.grad(ours, logits)
    torch.testing.assert_close(ours, reference)
    torch.testing.assert_close(gradient, expected)
