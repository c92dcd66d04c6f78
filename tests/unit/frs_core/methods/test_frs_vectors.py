"""FRS against losses and gradients recorded from the published implementation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from frs_core.detectors.signals import Signals
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.frs.loss import Method
from frs_core.methods.frs.options import Options

FILES = ("retinanet", "gfl", "fcos", "faster_rcnn", "retinanet_warmup", "faster_rcnn_step0")
TOLERANCE = 1e-5

pytestmark = pytest.mark.torch


class Vectors:
    def __init__(self, path: Path) -> None:
        self.arrays = np.load(path)
        self.num_levels = int(self.arrays["num_levels"])

    def leaves(self, name: str) -> list[Tensor]:
        return [torch.tensor(self.arrays[f"{name}_{level}"]) for level in range(self.num_levels)]

    def number(self, name: str) -> float:
        return float(self.arrays[name])


def method_of(vectors: Vectors) -> Method:
    options = Options(
        feature_weight=vectors.number("feat_weight"),
        classification_weight=vectors.number("cls_weight"),
        warmup_steps=int(vectors.number("warmup_steps")),
    )
    channels = vectors.leaves("student_feat")[0].shape[1]
    method = Method(
        options,
        Levels(num_levels=vectors.num_levels, student_channels=channels, teacher_channels=channels),
        seed=0,
    )
    state = {}
    for level in range(vectors.num_levels):
        for kind in ("weight", "bias"):
            state[f"adapters.levels.{level}.{kind}"] = vectors.leaves(f"adapter_{kind}")[level]
    method.load_state_dict(state)
    return method


@pytest.mark.parametrize("name", FILES)
def test_losses_and_gradients_agree_with_the_published_ones(name: str, vectors_root: Path) -> None:
    vectors = Vectors(vectors_root / f"{name}.npz")
    method = method_of(vectors)
    features = [leaf.requires_grad_() for leaf in vectors.leaves("student_feat")]
    logits = [leaf.requires_grad_() for leaf in vectors.leaves("student_logits")]
    student = Signals(neck=tuple(features), cls=tuple(logits))
    teacher = Signals(neck=tuple(vectors.leaves("teacher_feat")), cls=tuple(vectors.leaves("teacher_logits")))

    terms = method.losses(
        student, teacher, Batch(data_samples=(), input_shape=(96, 128)), int(vectors.number("step"))
    )
    sum(terms.values(), torch.zeros(())).backward()

    assert_close(terms["frs_feature"], vectors.arrays["loss_feat"])
    assert_close(terms["frs_classification"], vectors.arrays["loss_cls"])
    for level, conv in enumerate(method.adapters.levels):
        for leaf, recorded in (
            (features[level], "student_feat"),
            (logits[level], "student_logits"),
            (conv.weight, "adapter_weight"),
            (conv.bias, "adapter_bias"),
        ):
            assert leaf.grad is not None
            assert_close(leaf.grad, vectors.arrays[f"grad_{recorded}_{level}"])


def assert_close(actual: Tensor, recorded: Any) -> None:
    """Within 1e-5 of the largest recorded value."""
    expected = torch.tensor(np.asarray(recorded, np.float32))
    torch.testing.assert_close(
        actual.detach(), expected, rtol=TOLERANCE, atol=TOLERANCE * float(expected.abs().max())
    )


def test_the_vectors_change_with_the_adapter(vectors_root: Path) -> None:
    """Guards the test above: without the adapter the recorded loss is another one."""
    vectors = Vectors(vectors_root / "retinanet.npz")
    adapted = [
        conv2d(feature, weight, bias, padding=1)
        for feature, weight, bias in zip(
            vectors.leaves("student_feat"),
            vectors.leaves("adapter_weight"),
            vectors.leaves("adapter_bias"),
            strict=True,
        )
    ]
    assert not torch.allclose(adapted[0], vectors.leaves("student_feat")[0], rtol=0.1)
