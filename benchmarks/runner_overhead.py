"""What a step of our training costs over one of mmengine's own loop, with the same plain detector and data.

`python benchmarks/runner_overhead.py [--voc ROOT]`: a narrow RetinaNet at 320 x 240, batch 8, trained for a
few steps in turn by `frs_core.training.train`, with everything a job has around it, and by mmengine's Runner
with its default hooks, from the same weights on the same batches. Times are from the end of a step to the end
of the next, loading included. On the GPU where there is one (`CUDA_VISIBLE_DEVICES= python ...` for the CPU).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from distill_step import STUDENT, SYNTHETIC
from torch.utils.data import DataLoader

from frs_core.context import LocalContext
from frs_core.datasets.check import read_split
from frs_core.datasets.records import Split
from frs_core.detectors.builders import build_detector
from frs_core.detectors.wall import Hook, Runner, pseudo_collate
from frs_core.spec import JobSpec
from frs_core.training.optimizer import build_optimizer, build_schedulers
from frs_core.training.samples import SplitImages, StepSampler
from frs_core.training.train import train

BATCH_SIZE = 8
WANTED = 1.02


class Clock(Hook):  # type: ignore[misc]
    """When each step of mmengine's loop ended."""

    priority = "LOWEST"

    def __init__(self) -> None:
        self.times: list[float] = []

    def after_train_iter(self, *_: Any, **__: Any) -> None:
        """Note it, when the device is done too."""
        _finish_device()
        self.times.append(time.perf_counter())


class TimedContext(LocalContext):
    """When each step of ours ended: it looks once a step, last of all, whether to stop."""

    def __init__(self, workdir: Path) -> None:
        super().__init__(workdir)
        self.times: list[float] = []

    def should_stop(self) -> bool:
        """No; and note the time."""
        _finish_device()
        self.times.append(time.perf_counter())
        return False


def main() -> None:
    """Train by turns, and print the median step of each and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voc", type=Path, help="a VOC folder; default: generated images")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=7, help="of each, a round; the first is not counted")
    chosen = parser.parse_args()
    dataset = {"format": "voc", "root": str(chosen.voc.absolute())} if chosen.voc else SYNTHETIC
    spec = _spec(dataset)
    whole = read_split(spec.dataset, "train")
    split = whole.model_copy(update={"images": whole.images[: chosen.steps * BATCH_SIZE]})
    runs = {"mmengine": _by_mmengine, "ours": _by_us}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(chosen.rounds + 1):  # the first warms up
        for name in sorted(runs, reverse=bool(index % 2)):
            with tempfile.TemporaryDirectory() as folder:
                times = runs[name](spec, split, Path(folder))
            if index:
                seconds[name] += [later - earlier for earlier, later in pairwise(times)]
    _show({name: statistics.median(found) for name, found in seconds.items()}, len(seconds["ours"]))


def _show(median: Mapping[str, float], count: int) -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(
        f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, median of {count} steps\n"
    )
    print("| plain step | seconds |\n|---|---|")
    for name, value in median.items():
        print(f"| {name} | {value:.4f} |")
    print(f"\nours / mmengine: {median['ours'] / median['mmengine']:.3f}, wanted: {WANTED} or less")


def _by_us(spec: JobSpec, split: Split, folder: Path) -> list[float]:
    context = TimedContext(folder)
    train(spec, split, context, lambda *_: None)
    return context.times


def _by_mmengine(spec: JobSpec, split: Split, folder: Path) -> list[float]:
    clock = Clock()
    steps = len(split.images) // BATCH_SIZE
    detector = build_detector(spec.detector, len(split.classes), seed=spec.seed)
    images = SplitImages(split, spec.dataset.format, spec.input_size, seed=spec.seed, flip_probability=0.5)
    sampler = StepSampler(len(images), BATCH_SIZE, seed=spec.seed, first_step=0, total_steps=steps)
    loader = DataLoader(images, batch_sampler=sampler, collate_fn=pseudo_collate)
    optimizer = build_optimizer(detector, spec.schedule)
    Runner(
        model=detector,
        work_dir=str(folder),
        train_dataloader=loader,
        train_cfg={"type": "IterBasedTrainLoop", "max_iters": steps},
        optim_wrapper=optimizer,
        param_scheduler=build_schedulers(optimizer, spec.schedule, spec.schedule.length(len(images))),
        default_hooks={"sampler_seed": None},  # seeds samplers of epochs, and ours is none
        custom_hooks=[clock],
        default_scope="mmdet",
        log_level="ERROR",
        randomness={"seed": spec.seed},
        experiment_name="run",
    ).train()
    return clock.times


def _spec(dataset: dict[str, Any]) -> JobSpec:
    return JobSpec.model_validate(
        {
            "kind": "train",
            "name": "benchmark",
            "dataset": dataset,
            "input_size": (320, 240),
            "detector": STUDENT,
            "schedule": {"epochs": 1, "batch_size": BATCH_SIZE},
        }
    )


def _finish_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
