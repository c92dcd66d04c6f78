"""The same numbers as the operators of an mmcv that has them compiled; skipped where this one has none."""

import importlib
import importlib.util
from types import ModuleType
from typing import Any

import pytest
import torch

from frs_core.detectors.operators import focal_loss, nms, roi_align
from frs_core.detectors.operators.stand_in import EXTENSION

pytestmark = pytest.mark.torch


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for module in (nms, roi_align):
        monkeypatch.setattr(module, "torchvision_operators", lambda: None)
    spec = importlib.util.find_spec(EXTENSION)
    if spec is None or type(spec.loader).__module__.startswith("frs_core"):
        pytest.skip("this mmcv has no compiled operators to compare with (MMCV_WITH_OPS=1 compiles them)")
    return importlib.import_module(EXTENSION)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def boxes(count: int, limit: float) -> torch.Tensor:
    corners = torch.rand(count, 2, generator=generator(1)) * limit
    return torch.cat((corners, corners + torch.rand(count, 2, generator=generator(2)) * limit / 2), dim=1)


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.7])
def test_nms(compiled: ModuleType, threshold: float, offset: int) -> None:
    grid = boxes(3000, 64.0).round()  # many overlaps that equal the threshold
    scores = torch.rand(3000, generator=generator(3))
    expected = compiled.nms(grid, scores, iou_threshold=threshold, offset=offset)
    assert torch.equal(nms.nms(grid, scores, iou_threshold=threshold, offset=offset), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pool_mode", [0, 1])
@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize("aligned", [True, False])
def test_roi_align(
    compiled: ModuleType, aligned: bool, sampling_ratio: int, pool_mode: int, dtype: torch.dtype
) -> None:
    geometry: dict[str, Any] = {
        "aligned_height": 7,
        "aligned_width": 5,
        "spatial_scale": 0.25,
        "sampling_ratio": sampling_ratio,
        "pool_mode": pool_mode,
        "aligned": aligned,
    }
    features = torch.randn(2, 3, 20, 30, generator=generator(), dtype=dtype)
    image = torch.randint(0, 2, (200, 1), generator=generator())
    rois = torch.cat((image, boxes(200, 130.0) - 20), dim=1).to(dtype)
    gradient = torch.randn(200, 3, 7, 5, generator=generator(5), dtype=dtype)

    def run(operators: Any) -> tuple[torch.Tensor, ...]:
        output, y, x = (torch.zeros_like(gradient) for _ in range(3))
        operators.roi_align_forward(features, rois, output, y, x, **geometry)
        result = torch.zeros_like(features)
        operators.roi_align_backward(gradient, rois, y, x, result, **geometry)
        return (output, result, y, x) if pool_mode == 0 else (output, result)

    for ours, expected in zip(run(roi_align), run(compiled), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="mmcv compiles the focal loss for CUDA alone")
@pytest.mark.parametrize("weighted", [True, False])
def test_sigmoid_focal_loss(compiled: ModuleType, weighted: bool) -> None:
    logits = (torch.randn(500, 6, generator=generator()) * 3).cuda()
    target = torch.randint(0, 6 if weighted else 7, (500,), generator=generator()).cuda()
    weight = torch.rand(6, generator=generator()).cuda() if weighted else logits.new_empty(0)
    for name in ("sigmoid_focal_loss_forward", "sigmoid_focal_loss_backward"):
        ours, expected = torch.zeros_like(logits), torch.zeros_like(logits)
        getattr(focal_loss, name)(logits, target, weight, ours, gamma=2.0, alpha=0.25)
        getattr(compiled, name)(logits, target, weight, expected, gamma=2.0, alpha=0.25)
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
