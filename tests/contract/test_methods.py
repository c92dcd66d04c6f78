"""What every method promises, whatever folder it lives in."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frs_core import methods
from frs_core.methods import Signal

pytestmark = pytest.mark.torch

FAMILY = "retinanet"
SIZES = ((8, 12), (4, 6), (1, 1))
NUM_CLASSES, NUM_ANCHORS = 3, 2


def build(name: str) -> Any:
    from importlib import import_module

    from frs_core.methods.batch import Levels

    options = methods.get(name).resolve({}, FAMILY)
    levels = Levels(num_levels=len(SIZES), student_channels=4, teacher_channels=6)
    return import_module(f"frs_core.methods.{name}.loss").Method(options, levels, seed=3)


def signals(channels: int, seed: int, *, batch: int = 2, dtype: torch.dtype = torch.float32) -> Any:
    from frs_core.detectors.signals import Signals

    generator = torch.Generator().manual_seed(seed)

    def leaves(width: int) -> tuple[Tensor, ...]:
        return tuple(
            torch.randn(batch, width, *size, generator=generator).to(dtype).requires_grad_() for size in SIZES
        )

    return Signals(
        neck=leaves(channels),
        cls=leaves(NUM_CLASSES * NUM_ANCHORS),
        anchors=tuple(anchors(size) for size in SIZES),
        positives=tuple(torch.rand(batch, NUM_ANCHORS, *size, generator=generator) < 0.3 for size in SIZES),
    )


def anchors(size: tuple[int, int]) -> Tensor:
    """(H, W, A, 4): a small and a large box around each location of the (64, 96) input."""
    height, width = 64 / size[0], 96 / size[1]
    y, x = torch.meshgrid(
        (torch.arange(size[0]) + 0.5) * height, (torch.arange(size[1]) + 0.5) * width, indexing="ij"
    )
    centre = torch.stack([x, y, x, y], dim=-1)[:, :, None]
    half = torch.tensor([[-width, -height, width, height]]) * torch.tensor([[0.5], [1.0]])
    return centre + half


def losses(method: nn.Module, student: Any, teacher: Any, *, step: int = 1000) -> dict[str, Tensor]:
    from frs_core.methods.batch import Batch

    found: dict[str, Tensor] = method.losses(  # type: ignore[operator]
        student, teacher, Batch(data_samples=samples(len(student.neck[0])), input_shape=(64, 96)), step
    )
    return found


def samples(num_images: int) -> list[Any]:
    """The ground truth of the images: the first has two boxes, the others none."""
    boxes = torch.tensor([[4.0, 8.0, 40.0, 30.0], [50.0, 2.0, 95.0, 63.0]])
    found = [boxes, *[torch.zeros(0, 4)] * (num_images - 1)]
    return [SimpleNamespace(gt_instances=SimpleNamespace(bboxes=each)) for each in found]


def leaves_of(student: Any) -> list[Tensor]:
    return [*student.neck, *student.cls]


@pytest.mark.parametrize("name", methods.names())
class TestEveryMethod:
    def test_terms_are_finite_scalars(self, name: str) -> None:
        for term in losses(build(name), signals(4, 0), signals(6, 1)).values():
            assert term.shape == ()
            assert torch.isfinite(term)

    def test_a_method_that_reads_signals_has_terms_and_no_other_has(self, name: str) -> None:
        terms = losses(build(name), signals(4, 0), signals(6, 1))
        assert bool(terms) == bool(methods.get(name).requires)

    def test_each_term_trains_the_student(self, name: str) -> None:
        """Taking a term away changes the gradient; every term comes with its own."""
        student, teacher = signals(4, 0), signals(6, 1)
        terms = losses(build(name), student, teacher)
        for term in terms.values():
            found = torch.autograd.grad(term, leaves_of(student), retain_graph=True, allow_unused=True)
            assert any(gradient is not None and gradient.abs().max() > 0 for gradient in found)

    def test_its_terms_reach_the_signals_it_compares_and_no_others(self, name: str) -> None:
        student, teacher = signals(4, 0), signals(6, 1)
        terms = losses(build(name), student, teacher)
        total = sum(terms.values(), torch.zeros((), requires_grad=True))
        info = methods.get(name)
        compares = info.compares(info.resolve({}, FAMILY))
        assert compares <= info.requires
        for signal, tensors in ((Signal.NECK, student.neck), (Signal.CLS, student.cls)):
            found = torch.autograd.grad(total, tensors, retain_graph=True, allow_unused=True)
            assert all((gradient is not None) == (signal in compares) for gradient in found)

    def test_half_precision_gives_what_float32_gives(self, name: str) -> None:
        method = build(name)
        exact = losses(method, signals(4, 0), signals(6, 1))
        with torch.autocast("cpu", torch.bfloat16):
            rough = losses(method, signals(4, 0), signals(6, 1))
        for key, term in exact.items():
            assert rough[key].dtype is torch.float32
            torch.testing.assert_close(rough[key], term, rtol=0.05, atol=0.0)

    def test_a_batch_of_one(self, name: str) -> None:
        for term in losses(build(name), signals(4, 0, batch=1), signals(6, 1, batch=1)).values():
            assert torch.isfinite(term)

    def test_its_parameters_do_not_disturb_the_global_generator(self, name: str) -> None:
        torch.manual_seed(5)
        build(name)
        after = torch.rand(3)
        torch.manual_seed(5)
        assert torch.equal(after, torch.rand(3))

    def test_its_parameters_depend_on_the_seed_alone(self, name: str) -> None:
        first, second = build(name).state_dict(), build(name).state_dict()
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)

    def test_defaults_are_only_given_for_fields_there_are(self, name: str) -> None:
        info = methods.get(name)
        for defaults in info.defaults.values():
            info.options_type.model_validate(defaults)
