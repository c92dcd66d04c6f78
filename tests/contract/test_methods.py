"""What every method promises, whatever folder it lives in."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frs_core import methods
from frs_core.methods import Signal

pytestmark = pytest.mark.torch

SIZES = ((8, 12), (4, 6), (1, 1))
NUM_CLASSES, NUM_ANCHORS, NUM_BINS, NUM_CONVS = 3, 2, 5, 4
FURTHER_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "cwd": [{"on": "cls"}],
    "defeat": [{"form": "full"}],
    "fitnet": [{"normalisation": "mask_x_channels"}],
    "frs": [{"terms": ["feature"]}, {"terms": ["classification"]}, {"scale": "teacher_variance"}],
}
"""Of methods that do something else under them; every method is tested with its defaults."""

CASES = [
    pytest.param(name, options, id=" ".join([name, *map(str, options.values())]))
    for name in methods.names()
    for options in [{}, *FURTHER_OPTIONS.get(name, [])]
]


def family(name: str) -> str:
    """One that the method has defaults for: RetinaNet, if it has."""
    defaults = methods.get(name).defaults
    return "retinanet" if "retinanet" in defaults or not defaults else next(iter(defaults))


def resolved(name: str, options: dict[str, Any]) -> Any:
    return methods.get(name).resolve(options, family(name))


def build(name: str, options: dict[str, Any]) -> Any:
    from importlib import import_module

    from frs_core.methods.batch import Levels

    levels = Levels(num_levels=len(SIZES), student_channels=4, teacher_channels=6, family=family(name))
    return import_module(f"frs_core.methods.{name}.loss").Method(resolved(name, options), levels, seed=3)


class Head:
    """A teacher's head as methods see it: convolutions without bias, entered where one likes."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(9)
        shape = (NUM_ANCHORS * NUM_CLASSES, 4, 1, 1)
        self.neck, self.cls, self.bbox = (
            torch.randn(each, generator=generator) / 3
            for each in ((4, 6, 1, 1), shape, (NUM_ANCHORS * 4, 4, 1, 1))
        )

    def features(self, neck: Any, num_convs: int) -> Any:
        assert 1 <= num_convs <= NUM_CONVS
        levels = tuple(torch.conv2d(level.float(), self.neck) for level in neck)
        return levels, levels

    def predictions(self, features: Any, num_convs: int) -> Any:
        assert 1 <= num_convs <= NUM_CONVS
        return tuple(
            tuple(torch.conv2d(level.float().relu(), weight) for level in levels)
            for levels, weight in zip(features, (self.cls, self.bbox), strict=True)
        )


def signals(channels: int, seed: int, *, batch: int = 2, dtype: torch.dtype = torch.float32) -> Any:
    from frs_core.detectors.signals import Signals
    from frs_core.detectors.towers import TowerFeatures

    generator = torch.Generator().manual_seed(seed)

    def leaves(width: int) -> tuple[Tensor, ...]:
        return tuple(
            torch.randn(batch, width, *size, generator=generator).to(dtype).requires_grad_() for size in SIZES
        )

    return Signals(
        neck=leaves(channels),
        cls=leaves(NUM_CLASSES * NUM_ANCHORS),
        distributions=leaves(4 * NUM_BINS),
        anchors=tuple(anchors(size) for size in SIZES),
        positives=tuple(torch.rand(batch, NUM_ANCHORS, *size, generator=generator) < 0.3 for size in SIZES),
        towers=TowerFeatures(*(tuple(leaves(4) for _ in range(NUM_CONVS)) for _ in range(2))),
        head=Head(),  # type: ignore[arg-type]
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


def losses(
    method: nn.Module, student: Any, teacher: Any, *, step: int = 1000, num_boxes: int = 2
) -> dict[str, Tensor]:
    from frs_core.methods.batch import Batch

    batch = Batch(data_samples=samples(len(student.neck[0]), num_boxes), input_shape=(64, 96))
    found: dict[str, Tensor] = method.losses(student, teacher, batch, step)  # type: ignore[operator]
    return found


def samples(num_images: int, num_boxes: int) -> list[Any]:
    """The ground truth of the images: the first has two boxes, the others none."""
    boxes = torch.tensor([[4.0, 8.0, 40.0, 30.0], [50.0, 2.0, 95.0, 63.0]])[:num_boxes]
    found = [boxes, *[torch.zeros(0, 4)] * (num_images - 1)]
    return [SimpleNamespace(gt_instances=SimpleNamespace(bboxes=each)) for each in found]


def leaves_of(student: Any, signal: Signal | None = None) -> list[Tensor]:
    """The student's tensors that gradient may reach, of one signal or of all."""
    towers = [*student.towers.cls, *student.towers.bbox]
    found = {
        Signal.NECK: [*student.neck],
        Signal.CLS: [*student.cls],
        Signal.DISTRIBUTIONS: [*student.distributions],
        Signal.HEAD_FEATURES: [level for tower in towers for level in tower],
    }
    return found[signal] if signal is not None else [each for group in found.values() for each in group]


def gradients(total: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """Those that there are."""
    found = torch.autograd.grad(total, leaves, retain_graph=True, allow_unused=True)
    return [gradient for gradient in found if gradient is not None]


@pytest.mark.parametrize(("name", "options"), CASES)
class TestEveryMethod:
    def test_terms_are_finite_scalars_and_named_after_it(self, name: str, options: dict[str, Any]) -> None:
        for key, term in losses(build(name, options), signals(4, 0), signals(6, 1)).items():
            assert key.startswith(f"{name}_")
            assert term.shape == ()
            assert torch.isfinite(term)

    def test_a_method_that_reads_signals_has_terms_and_no_other_has(
        self, name: str, options: dict[str, Any]
    ) -> None:
        terms = losses(build(name, options), signals(4, 0), signals(6, 1))
        assert bool(terms) == bool(methods.get(name).requires)

    def test_each_term_trains_the_student(self, name: str, options: dict[str, Any]) -> None:
        """Taking a term away changes the gradient; every term comes with its own."""
        student, teacher = signals(4, 0), signals(6, 1)
        terms = losses(build(name, options), student, teacher)
        for term in terms.values():
            assert any(gradient.abs().max() > 0 for gradient in gradients(term, leaves_of(student)))

    def test_its_terms_reach_the_signals_it_compares_and_no_others(
        self, name: str, options: dict[str, Any]
    ) -> None:
        student, teacher = signals(4, 0), signals(6, 1)
        terms = losses(build(name, options), student, teacher)
        total = sum(terms.values(), torch.zeros((), requires_grad=True))
        info = methods.get(name)
        compares = info.compares(resolved(name, options))
        assert compares <= info.needs(resolved(name, options))
        for signal in (Signal.NECK, Signal.CLS, Signal.DISTRIBUTIONS, Signal.HEAD_FEATURES):
            found = gradients(total, leaves_of(student, signal))
            assert bool(found) == (signal in compares)
            assert all(torch.isfinite(gradient).all() for gradient in found)

    def test_every_parameter_of_its_own_is_trained(self, name: str, options: dict[str, Any]) -> None:
        """Processes that average gradients wait for each; one that no term reaches would stay as it was."""
        method = build(name, options)
        terms = losses(method, signals(4, 0), signals(6, 1))
        sum(terms.values(), torch.zeros((), requires_grad=True)).backward()
        assert [key for key, value in method.named_parameters() if value.grad is None] == []

    def test_images_without_boxes(self, name: str, options: dict[str, Any]) -> None:
        from dataclasses import replace

        student = signals(4, 0, batch=1)
        empty = replace(student, positives=tuple(torch.zeros_like(each) for each in student.positives))
        method = build(name, options)
        terms = losses(method, empty, signals(6, 1, batch=1), num_boxes=0)
        total = sum(terms.values(), torch.zeros((), requires_grad=True))
        assert torch.isfinite(total)
        assert all(torch.isfinite(gradient).all() for gradient in gradients(total, leaves_of(empty)))

    def test_features_that_are_constant(self, name: str, options: dict[str, Any]) -> None:
        """A dead channel has no deviation to divide by; a teacher without scores has no S."""
        from dataclasses import replace

        student, teacher = signals(4, 0), signals(6, 1)

        def dead(levels: tuple[Tensor, ...], value: float) -> tuple[Tensor, ...]:
            return tuple(torch.full_like(level, value, requires_grad=True) for level in levels)

        towers = student.towers
        student = replace(
            student,
            neck=dead(student.neck, 0.0),
            towers=type(towers)(
                *(tuple(dead(tower, 0.0) for tower in side) for side in (towers.cls, towers.bbox))
            ),
        )
        teacher = replace(teacher, neck=dead(teacher.neck, 0.0), cls=dead(teacher.cls, -200.0))
        terms = losses(build(name, options), student, teacher)
        total = sum(terms.values(), torch.zeros((), requires_grad=True))
        assert torch.isfinite(total)
        assert all(torch.isfinite(gradient).all() for gradient in gradients(total, leaves_of(student)))

    def test_half_precision_gives_what_float32_gives(self, name: str, options: dict[str, Any]) -> None:
        method = build(name, options)
        exact = losses(method, signals(4, 0), signals(6, 1))
        with torch.autocast("cpu", torch.bfloat16):
            rough = losses(method, signals(4, 0), signals(6, 1))
        for key, term in exact.items():
            assert rough[key].dtype is torch.float32
            torch.testing.assert_close(rough[key], term, rtol=0.05, atol=0.0)

    def test_a_batch_of_one(self, name: str, options: dict[str, Any]) -> None:
        terms = losses(build(name, options), signals(4, 0, batch=1), signals(6, 1, batch=1))
        for term in terms.values():
            assert torch.isfinite(term)

    def test_a_step_gives_the_same_whenever_it_is_taken(self, name: str, options: dict[str, Any]) -> None:
        """So a run that resumes goes on as one that was never stopped."""
        first = losses(build(name, options), signals(4, 0), signals(6, 1), step=7)
        torch.rand(3)
        again = losses(build(name, options), signals(4, 0), signals(6, 1), step=7)
        assert first == again

    def test_its_parameters_do_not_disturb_the_global_generator(
        self, name: str, options: dict[str, Any]
    ) -> None:
        torch.manual_seed(5)
        losses(build(name, options), signals(4, 0), signals(6, 1))
        after = torch.rand(3)
        torch.manual_seed(5)
        assert torch.equal(after, torch.rand(3))

    def test_its_parameters_depend_on_the_seed_alone(self, name: str, options: dict[str, Any]) -> None:
        first, second = (build(name, options).state_dict() for _ in range(2))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)

    def test_defaults_are_only_given_for_fields_there_are(self, name: str, options: dict[str, Any]) -> None:
        info = methods.get(name)
        for defaults in info.defaults.values():
            info.options_type.model_validate({**defaults, **options})
