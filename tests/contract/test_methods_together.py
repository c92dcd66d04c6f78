"""Every method in two processes, and stopped half way: all in one group, on a student of two convolutions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.contract.test_methods import CASES, NUM_ANCHORS, NUM_BINS, NUM_CONVS, Head, anchors, build

pytestmark = pytest.mark.torch
SIZES = ((8, 12), (4, 6), (2, 3))
IMAGES = 4

OWN_IMAGES = ("crosskd", "ld", "mgd", "pkd")
"""Those with something of each process's own images: statistics, what is hidden, or, as published, a sum."""

TRAINED = [case for case in CASES if case.values[0] != "none"]


class Student(nn.Module):
    """Signals of images (N, 3, 64, 96): a neck, and each other output by a convolution of its own."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        widths = {"cls": 3 * NUM_ANCHORS, "distributions": 4 * NUM_BINS, "tower_cls": 4, "tower_bbox": 4}
        self.neck = nn.Conv2d(3, 4, kernel_size=1)
        self.heads = nn.ModuleDict({name: nn.Conv2d(4, width, 1) for name, width in widths.items()})

    def forward(self, images: Tensor) -> Any:
        from frs_core.detectors.signals import Signals
        from frs_core.detectors.towers import TowerFeatures

        neck = tuple(self.neck(nn.functional.adaptive_avg_pool2d(images, size)) for size in SIZES)
        out = {name: tuple(head(level) for level in neck) for name, head in self.heads.items()}
        towers = TowerFeatures(*((out[name],) * NUM_CONVS for name in ("tower_cls", "tower_bbox")))
        bright = tuple((level.detach()[:, :1] > 0).expand(-1, NUM_ANCHORS, -1, -1) for level in neck)
        found = {name: out[name] for name in ("cls", "distributions")}
        around = tuple(anchors(size) for size in SIZES)
        return Signals(neck=neck, **found, anchors=around, positives=bright, towers=towers)


def teacher_of(images: Tensor) -> Any:
    from frs_core.detectors.signals import Signals

    generator = torch.Generator().manual_seed(5)

    def levels(width: int) -> tuple[Tensor, ...]:
        weight = torch.randn(width, 3, 1, 1, generator=generator)
        return tuple(torch.conv2d(nn.functional.adaptive_avg_pool2d(images, size), weight) for size in SIZES)

    found = {"cls": levels(3 * NUM_ANCHORS), "distributions": levels(4 * NUM_BINS)}
    return Signals(neck=levels(6), **found, head=Head())  # type: ignore[arg-type]


def batch_of(images: Tensor, offset: int) -> Any:
    """The n-th image of all has n boxes."""
    from frs_core.methods.batch import Batch

    boxes = torch.tensor([[4.0, 8, 40, 30], [50, 2, 95, 63], [10, 40, 30, 60]])
    samples = [
        SimpleNamespace(gt_instances=SimpleNamespace(bboxes=boxes[: offset + number]))
        for number in range(len(images))
    ]
    return Batch(data_samples=samples, input_shape=(64, 96))


class Run:
    """A student and a method, trained on the same images at every step, or on the part given."""

    def __init__(self, name: str, options: dict[str, Any], part: slice = slice(0, IMAGES)) -> None:
        self.student, self.method = Student(), build(name, options)
        self.parameters = [*self.student.parameters(), *self.method.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=0.01)
        self.step, self.part = 600, part

    def gradients(self) -> list[Tensor | None]:
        """Of the terms of this step, averaged over the processes."""
        from frs_core.distributed import average_gradients

        images = torch.rand(IMAGES, 3, 64, 96, generator=torch.Generator().manual_seed(self.step))[self.part]
        self.optimizer.zero_grad()
        terms = self.method.losses(
            self.student(images), teacher_of(images), batch_of(images, self.part.start), self.step
        )
        sum(terms.values(), torch.zeros((), requires_grad=True)).backward()
        average_gradients(self.parameters)
        return [None if each.grad is None else each.grad.clone() for each in self.parameters]

    def train(self, steps: int) -> "Run":
        for _ in range(steps):
            self.gradients()
            self.optimizer.step()
            self.step += 1
        return self

    def state(self) -> dict[str, Any]:
        return {
            "student": self.student.state_dict(),
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }

    def resume(self, state: dict[str, Any]) -> "Run":
        self.student.load_state_dict(state["student"])
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        return self


@contextmanager
def two(rank: int, folder: str) -> Iterator[None]:
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    yield
    dist.destroy_process_group()


def of_one_process(rank: int, folder: str) -> None:
    """What one of two finds for every method: its averaged gradients of its half, kept in a file."""
    half = slice(0, 2) if rank == 0 else slice(2, IMAGES)
    with two(rank, folder):
        found = {case.id: Run(*case.values, part=half).gradients() for case in TRAINED}  # type: ignore[arg-type]
    torch.save(found, Path(folder) / f"{rank}.pt")


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[Tensor | None]]]:
    """By process and case, the averaged gradients."""
    folder = tmp_path_factory.mktemp("together")
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.multiprocessing.spawn(of_one_process, args=(str(folder),), nprocs=2)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in TRAINED])
class TestTogether:
    def test_both_processes_end_with_the_same_gradients(
        self, case: Any, together: list[dict[str, list[Tensor | None]]]
    ) -> None:
        first, second = (found[case.id] for found in together)
        assert [each is None for each in first] == [each is None for each in second]
        for one, other in zip(first, second, strict=True):
            if one is not None and other is not None:
                assert torch.equal(one, other)

    def test_two_processes_find_what_one_finds_of_the_whole_batch(
        self, case: Any, together: list[dict[str, list[Tensor | None]]]
    ) -> None:
        name, options = case.values
        if name in OWN_IMAGES:
            pytest.skip("something of it is of each process's own images")
        alone = Run(name, options).gradients()
        for one, other in zip(together[0][case.id], alone, strict=True):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)

    def test_stopped_and_resumed_it_ends_byte_for_byte_the_same(self, case: Any, tmp_path: Path) -> None:
        name, options = case.values
        whole = Run(name, options).train(4).state()
        torch.save(Run(name, options).train(2).state(), tmp_path / "state.pt")
        torch.manual_seed(99)
        state = torch.load(tmp_path / "state.pt", weights_only=True)
        resumed = Run(name, options).resume(state).train(2).state()
        for part in ("student", "method"):
            for key, tensor in whole[part].items():
                assert torch.equal(tensor, resumed[part][key])
