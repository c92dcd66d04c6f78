"""Tries each row of an experiment for a few steps: how long they take, and how much memory."""

import gc
import logging
import time
from dataclasses import replace
from itertools import cycle, islice, pairwise
from pathlib import Path
from statistics import median

import torch
from torch import nn

from frs_core.context import RunContext
from frs_core.datasets.check import read_split
from frs_core.datasets.records import Split
from frs_core.detectors.builders import build_detector
from frs_core.detectors.checkpoints import save_weights
from frs_core.detectors.wall import get_device
from frs_core.evaluation.predict import predict
from frs_core.events import CheckpointEvent, CheckpointKind, Event, MetricEvent
from frs_core.planning.advice import fits, largest_input
from frs_core.planning.host_memory import available_bytes, peak_bytes, reset_peak
from frs_core.planning.plan import Device, Measured, memory_need
from frs_core.planning.shortage import is_shortage
from frs_core.spec.job import JobKind, JobSpec
from frs_core.training.samples import SplitImages
from frs_core.training.train import train

_EVALUATED_IMAGES = 3

log = logging.getLogger(__name__)


class TrialContext(RunContext):
    """Keeps times and sizes of a run that is thrown away."""

    def __init__(self, workdir: Path, outer: RunContext) -> None:
        super().__init__(workdir)
        self.step_times: list[float] = []
        self.state_bytes = 0
        self._outer = outer

    def emit(self, event: Event) -> None:
        """Note when a step ended, and how large a state is."""
        if isinstance(event, MetricEvent) and "train/loss" in event.values:
            self.step_times.append(time.perf_counter())
        if isinstance(event, CheckpointEvent) and event.kind is CheckpointKind.STATE:
            self.state_bytes = event.size_bytes

    def should_stop(self) -> bool:
        """Whether the plan itself is to stop."""
        return self._outer.should_stop()

    @property
    def step_seconds(self) -> float:
        """The median from the end of a step to that of the next: the first, a warm-up, does not count."""
        return median(later - earlier for earlier, later in pairwise(self.step_times))


def device() -> Device:
    """Where this process computes."""
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory
        return Device(name=torch.cuda.get_device_name(), on_gpu=True, memory_bytes=memory)
    return Device(name="cpu", on_gpu=False, memory_bytes=available_bytes())


class Bench:
    """Tries jobs of one experiment in a folder of its own, under teachers that have learnt nothing."""

    def __init__(self, context: RunContext, where: Device, *, timed_steps: int) -> None:
        self._context = context
        self._device = where
        self._timed_steps = timed_steps
        self._count = 0

    def measure(self, spec: JobSpec) -> Measured:
        """One row, a process's share of it: at two small batch sizes, then at the one asked for.

        Raises Stopped when it is to stop.
        """
        if spec.kind is JobKind.EVALUATE:
            return Measured(**self._evaluated(spec))
        split = read_split(spec.dataset, "train")
        spec = self._with_teacher(spec, len(split.classes))
        asked = spec.schedule.batch_size // spec.resources.processes
        peaks: dict[int, int] = {}
        context: TrialContext | None = None
        for batch_size in trial_sizes(asked):
            # On the CPU the kernel would end us, so what cannot fit is not tried.
            if fits(replace(memory_need(spec, self._device, peaks), batch_size=batch_size)) is False:
                break
            steps = 1 + (self._timed_steps if batch_size == asked else 1)
            try:
                context, peaks[batch_size] = self._train(spec, split, batch_size, steps)
            except Exception as error:
                if not is_shortage(error):
                    raise
                log.info("%s: batch size %d does not fit: %s", spec.name, batch_size, error)
                break
        if context is None:
            return Measured(fitted=False)
        largest = max(peaks)
        return Measured(
            fitted=largest == asked,
            seconds_per_step=context.step_seconds * asked / largest,
            peaks=peaks,
            state_bytes=context.state_bytes,
            **self._evaluated(spec),
        )

    def _train(self, spec: JobSpec, split: Split, batch_size: int, steps: int) -> tuple[TrialContext, int]:
        """So many steps of one epoch, on the largest images; with the peak of memory in bytes."""
        context = TrialContext(self._folder(), self._context)
        short = {"epochs": 1, "steps": None, "checkpoint_every_steps": None, "multi_scale": None}
        schedule = spec.schedule.model_copy(update={**short, "batch_size": batch_size})
        self._forget_peak()
        alone = spec.resources.model_copy(update={"gpus": min(1, spec.resources.gpus), "processes": 1})
        start = {"checkpoint": None, "init": "scratch"}
        size = largest_input(spec)
        trial = spec.model_copy(
            update={"schedule": schedule, "resources": alone, "input_size": size, **start}
        )
        train(trial, repeated(split, steps * schedule.images_per_step), context, lambda *_: None)
        return context, self._peak()

    def _with_teacher(self, spec: JobSpec, num_classes: int) -> JobSpec:
        if spec.teacher is None or not spec.needs_teacher:
            return spec
        path = self._folder() / "teacher.safetensors"
        save_weights(build_detector(spec.teacher.detector, num_classes, seed=0).state_dict(), path, {})
        teacher = spec.teacher.model_copy(update={"checkpoint": str(path), "cache": None})
        return spec.model_copy(update={"teacher": teacher})

    def _evaluated(self, spec: JobSpec) -> "dict[str, float | int]":
        """How long the detector looks at an image, and its size."""
        val = read_split(spec.dataset, "val")
        detector: nn.Module = build_detector(spec.detector, len(val.classes), seed=0).to(get_device())
        few = val.model_copy(update={"images": val.images[:_EVALUATED_IMAGES]})
        images = SplitImages(few, spec.dataset.format, spec.input_size, seed=0, flip_probability=0.0)
        began = time.perf_counter()
        predict(detector, images)
        return {
            "seconds_per_image": (time.perf_counter() - began) / len(images),
            "weights_bytes": sum(tensor.nbytes for tensor in detector.state_dict().values()),
        }

    def _folder(self) -> Path:
        self._count += 1
        path = self._context.workdir / f"trial-{self._count}"
        path.mkdir()
        return path

    def _forget_peak(self) -> None:
        gc.collect()
        if self._device.on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        else:
            reset_peak()

    def _peak(self) -> int:
        return torch.cuda.max_memory_allocated() if self._device.on_gpu else peak_bytes()


def trial_sizes(batch_size: int) -> list[int]:
    """Batch sizes to try, rising: two small ones, which tell how memory grows, then the one asked for.

    >>> trial_sizes(16), trial_sizes(3), trial_sizes(1)
    ([4, 8, 16], [1, 2, 3], [1])
    """
    small = max(1, batch_size // 4)
    return sorted({small, max(small + 1, batch_size // 2), batch_size} & set(range(1, batch_size + 1)))


def repeated(split: Split, num_images: int) -> Split:
    """So many images of the split, the same ones again where it has fewer; each with an id of its own."""
    images = [
        image.model_copy(update={"id": number, "name": f"{number}"})
        for number, image in enumerate(islice(cycle(split.images), num_images), start=1)
    ]
    return split.model_copy(update={"images": tuple(images)})
