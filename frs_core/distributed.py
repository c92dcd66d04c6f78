"""Processes that train one model together, started by torchrun: each on its share of every batch.

Outside `process_group` there is one process, and every function here gives back what it is given.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from frs_core.errors import SpecError

_PATIENCE = timedelta(hours=12)
"""How long a process waits for the others: one of them evaluates meanwhile. A dead one is noticed at once."""


@contextmanager
def process_group() -> Iterator[None]:
    """Join the other processes: over NCCL between GPUs, over gloo between CPUs.

    Only when all leave it is it left in order: a process that fails just ends, for another may hang in it.
    """
    if not dist.is_torchelastic_launched():
        yield
        return
    with_gpus = torch.cuda.is_available()
    if with_gpus:
        torch.cuda.set_device(_own_gpu(torch.cuda.device_count()))
    dist.init_process_group("cpu:gloo,cuda:nccl" if with_gpus else "gloo", timeout=_PATIENCE)
    yield
    dist.destroy_process_group()


def _own_gpu(num_gpus: int) -> int:
    num_processes, own = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["LOCAL_RANK"])
    if num_processes > num_gpus:
        raise SpecError(
            f"resources.processes is {num_processes}, but {num_gpus} GPUs are visible: each process needs "
            "one of its own; hide them (CUDA_VISIBLE_DEVICES=) to train on the CPU",
            field="resources.processes",
        )
    return own


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def total(value: Tensor) -> Tensor:
    """The sum of all processes' values, elementwise. No gradient flows through it."""
    if world_size() == 1:
        return value
    value = value.detach().clone()
    dist.all_reduce(value)
    return value


def mean(value: Tensor) -> Tensor:
    """The mean of all processes' values, elementwise. Not finite where any of them is not."""
    return total(value) / world_size() if world_size() > 1 else value


def any_process(flag: bool) -> bool:
    """Whether any process says so; all learn the same answer."""
    return bool(total(torch.tensor(int(flag))))


def gather(values: Sequence[Any]) -> list[Any]:
    """The values of all processes, in their order."""
    if world_size() == 1:
        return list(values)
    found: list[Any] = [None] * world_size()
    dist.all_gather_object(found, list(values))
    return [value for part in found for value in part]


def by_the_first(action: Callable[..., object]) -> Callable[..., None]:
    """`action` done by the first process alone, while the others wait."""

    def act(*arguments: Any) -> None:
        if rank() == 0:
            action(*arguments)
        any_process(False)

    return act


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Give every process the mean of all processes' gradients.

    One that a process has no gradient for counts as zero there; one without any anywhere stays without.
    """
    if world_size() == 1:
        return
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    used = total(torch.tensor([parameter.grad is not None for parameter in trained], dtype=torch.int32))
    gradients = [
        _gradient(parameter) for parameter, count in zip(trained, used.tolist(), strict=True) if count > 0
    ]
    flat = mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view(gradient.shape))


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
