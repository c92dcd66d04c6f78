"""torchvision's operators: used where they load and give the same numbers, passed over where they do not."""

import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from typing import Any

import pytest
import torch

from frs_core.detectors.operators import nms, roi_align
from frs_core.detectors.operators.native import torchvision_operators


@pytest.fixture(autouse=True)
def _ask_again() -> Iterator[None]:
    torchvision_operators.cache_clear()
    yield
    torchvision_operators.cache_clear()


class Failing:
    """A torchvision that fails as it is imported."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name.partition(".")[0] == "torchvision":
            raise self._error
        return None


def hide(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Failing(error), *sys.meta_path])


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("operator torchvision::nms does not exist"),
        ImportError("undefined symbol"),
        OSError("libcudart.so.13: cannot open shared object file"),
    ],
)
def test_a_torchvision_built_for_another_torch_is_passed_over(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, error)
    assert torchvision_operators() is None
    assert nms.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5, 0).tolist() == [0]


def test_any_other_failure_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        torchvision_operators()


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Any]]:
    """Calls something with torchvision's operators and without."""
    if torchvision_operators() is None:
        pytest.skip("no torchvision that loads beside this torch")

    def call(function: Callable[[], Any]) -> tuple[Any, Any]:
        native = function()
        for module in (nms, roi_align):
            monkeypatch.setattr(module, "torchvision_operators", lambda: None)
        return native, function()

    return call


def boxes(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, generator=generator) * 64
    return torch.cat((corners, corners + torch.rand(count, 2, generator=generator) * 32), dim=1).round()


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.7])
def test_nms_is_the_same(both: Callable[..., tuple[Any, Any]], threshold: float) -> None:
    scores = (torch.rand(2000, generator=torch.Generator().manual_seed(1)) * 50).round()
    native, ours = both(lambda: nms.nms(boxes(2000), scores, threshold, 0))
    assert torch.equal(native, ours)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize("aligned", [True, False])
def test_roi_align_is_the_same(
    both: Callable[..., tuple[Any, Any]], aligned: bool, sampling_ratio: int, dtype: torch.dtype
) -> None:
    geometry: dict[str, Any] = {
        "aligned_height": 7,
        "aligned_width": 5,
        "spatial_scale": 0.25,
        "sampling_ratio": sampling_ratio,
        "pool_mode": 1,
        "aligned": aligned,
    }
    features = torch.randn(2, 3, 20, 30, generator=torch.Generator().manual_seed(2)).to(dtype)
    image = torch.randint(0, 2, (100, 1), generator=torch.Generator().manual_seed(3))
    rois = torch.cat((image, boxes(100) - 10), dim=1).to(dtype)
    gradient = torch.randn(100, 3, 7, 5, generator=torch.Generator().manual_seed(4)).to(dtype)
    empty = features.new_empty(0)

    def run() -> torch.Tensor:
        output, result = torch.zeros_like(gradient), torch.zeros_like(features)
        roi_align.roi_align_forward(features, rois, output, empty, empty, **geometry)
        roi_align.roi_align_backward(gradient, rois, empty, empty, result, **geometry)
        return torch.cat((output.flatten(), result.flatten()))

    native, ours = both(run)
    tolerance = 2e-2 if dtype == torch.float16 else 1e-4
    torch.testing.assert_close(native, ours, rtol=tolerance, atol=tolerance)
