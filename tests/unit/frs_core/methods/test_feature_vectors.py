"""Feature methods against losses and gradients recorded from the published implementations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from frs_core.methods.cwd.loss import cwd_loss
from frs_core.methods.fgd.context import GlobalContext
from frs_core.methods.fgd.loss import fgd_loss
from frs_core.methods.fgd.options import Options
from frs_core.methods.pkd.loss import pkd_loss

TOLERANCE = 1e-5
pytestmark = pytest.mark.torch


def levels(arrays: Any, name: str) -> list[Tensor]:
    return [torch.tensor(arrays[f"{name}_{level}"]) for level in range(int(arrays["num_levels"]))]


def assert_close(found: Tensor, expected: Any) -> None:
    torch.testing.assert_close(
        found, torch.tensor(expected), rtol=TOLERANCE, atol=TOLERANCE * abs(expected).max()
    )


def cwd(student: list[Tensor], teacher: list[Tensor], arrays: Any) -> Tensor:
    return cwd_loss(student, teacher, float(arrays["tau"]))


def pkd(student: list[Tensor], teacher: list[Tensor], arrays: Any) -> Tensor:
    return pkd_loss(student, teacher)


@pytest.mark.parametrize("loss_of", [cwd, pkd])
def test_of_several_levels(loss_of: Callable[..., Tensor], vectors_root: Path) -> None:
    arrays = np.load(vectors_root / f"{loss_of.__name__}.npz")
    student = [level.requires_grad_() for level in levels(arrays, "student_feat")]
    loss = loss_of(student, levels(arrays, "teacher_feat"), arrays) * float(arrays["weight"])
    loss.backward()
    assert_close(loss.detach(), arrays["loss"])
    for number, level in enumerate(student):
        assert level.grad is not None
        assert_close(level.grad, arrays[f"grad_student_feat_{number}"])


def test_fgd(vectors_root: Path) -> None:
    arrays = np.load(vectors_root / "fgd.npz")
    student = torch.tensor(arrays["student_feat"]).requires_grad_()
    contexts = tuple(_context(arrays, side) for side in "st")
    loss = fgd_loss(
        [student],
        [torch.tensor(arrays["teacher_feat"])],
        [torch.tensor(arrays[f"boxes_{image}"]) for image in range(2)],
        (int(arrays["image_height"]), int(arrays["image_width"])),
        [(contexts[0], contexts[1])],
        options=Options(
            temperature=float(arrays["temperature"]),
            foreground_weight=float(arrays["alpha"]),
            background_weight=float(arrays["beta"]),
            attention_weight=float(arrays["gamma"]),
            relation_weight=float(arrays["lambda_"]),
        ),
    )
    loss.backward()
    assert_close(loss.detach(), arrays["loss"])
    assert student.grad is not None
    assert_close(student.grad, arrays["grad_student_feat"])


def _context(arrays: Any, side: str) -> GlobalContext:
    block = GlobalContext(arrays["student_feat"].shape[1])
    names = {"attention": f"conv_mask_{side}"}
    names |= {f"transform.{part}": f"channel_add_conv_{side}_{part}" for part in (0, 1, 3)}
    block.load_state_dict(
        {
            f"{ours}.{kind}": torch.tensor(arrays[f"param_{theirs}_{kind}"])
            for ours, theirs in names.items()
            for kind in ("weight", "bias")
        }
    )
    return block
