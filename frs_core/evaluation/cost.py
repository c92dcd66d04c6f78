"""Measures what a detector costs to run: parameters, arithmetic, latency, memory."""

import gc
import math
import os
import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from frs_core.cost import Cost, Latency
from frs_core.detectors.wall import DetDataSample, InstanceData, pseudo_collate

WARM_UP = 3
MAX_REPEATS = 50
MIN_REPEATS = 5
MAX_SECONDS = 3.0


@torch.no_grad()
def measure_cost(detector: nn.Module, sample: dict[str, Any], input_size: tuple[int, int]) -> Cost:
    """The cost of a detector in eval mode; `sample` is an image of `SplitImages`, `input_size` its canvas.

    Takes a few seconds at most, but for detectors that need longer for eight images.
    """
    was_training = detector.training
    detector.eval()
    padded = _padded(detector, input_size)
    flops, proposals = count_flops(detector, padded)
    memory = _PeakMemory(detector)
    latency = _latency(detector, sample)
    peak = memory.of_the_run()
    detector.train(was_training)
    return Cost(
        params=count_parameters(detector),
        trainable_params=sum(p.numel() for p in detector.parameters() if p.requires_grad),
        flops=flops,
        macs=flops // 2,
        flops_input=padded,
        flops_proposals=proposals,
        latency=latency,
        inference_peak_memory_bytes=peak,
    )


def count_parameters(module: nn.Module | None) -> int:
    """Numbers in all parameters; buffers, such as a batch norm's averages, are none."""
    return 0 if module is None else sum(parameter.numel() for parameter in module.parameters())


def count_flops(detector: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int | None]:
    """FLOPs of backbone, neck and heads on an image (C, H, W), and the proposals its RoI head was given.

    That head runs on as many as the detector keeps at most: how many there are depends on the image.
    """
    model: Any = detector
    image = torch.zeros(1, *shape, device=_device(detector))
    two_stage = hasattr(model, "roi_head")
    count = model.test_cfg.rpn.max_per_img if two_stage else None
    with FlopCounterMode(display=False) as counter:
        levels = model.extract_feat(image)
        if count is None:
            model.bbox_head(levels)
        else:
            model.rpn_head(levels)
            boxes = image.new_tensor([[0.0, 0.0, shape[2], shape[1]]]).repeat(count, 1)
            about = DetDataSample(metainfo={"img_shape": shape[1:]})
            model.roi_head.forward(levels, [InstanceData(bboxes=boxes)], [about])
    return int(counter.get_total_flops()), count


def percentiles(values: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    median, p95 = np.percentile(values, (50, 95))
    return float(median), float(p95)


def device_name(device: torch.device) -> str:
    """The GPU's name, or cpu."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _padded(detector: nn.Module, input_size: tuple[int, int]) -> tuple[int, int, int]:
    divisor = int(getattr(detector.data_preprocessor, "pad_size_divisor", 1))
    width, height = (math.ceil(length / divisor) * divisor for length in input_size)
    return 3, height, width


def _latency(detector: nn.Module, sample: dict[str, Any]) -> Latency:
    model: Any = detector
    device = _device(detector)
    data = pseudo_collate([sample])
    for _ in range(WARM_UP):
        model.test_step(data)
    _wait_for(device)
    took: list[float] = []
    began = time.perf_counter()
    while len(took) < MAX_REPEATS and (len(took) < MIN_REPEATS or time.perf_counter() - began < MAX_SECONDS):
        start = time.perf_counter()
        model.test_step(data)
        _wait_for(device)
        took.append(1000 * (time.perf_counter() - start))
    median, p95 = percentiles(took)
    return Latency(
        median_ms=median,
        p95_ms=p95,
        warm_up=WARM_UP,
        repeats=len(took),
        image=tuple(sample["inputs"].shape),
        dtype=str(next(detector.parameters()).dtype).removeprefix("torch."),
        device=device_name(device),
        threads=torch.get_num_threads(),
        load_average=os.getloadavg()[0],
        cpus=len(os.sched_getaffinity(0)),
    )


class _PeakMemory:
    """Bytes of GPU memory from here on, at most: the detector's own and what is added to what was there."""

    def __init__(self, detector: nn.Module) -> None:
        self._detector = detector
        self._counted = _device(detector).type == "cuda"
        if self._counted:
            gc.collect()
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated()

    def of_the_run(self) -> int | None:
        """The peak so far; None on a CPU."""
        if not self._counted:
            return None
        kept = (*self._detector.parameters(), *self._detector.buffers())
        own = sum(tensor.numel() * tensor.element_size() for tensor in kept)
        return int(torch.cuda.max_memory_allocated() - self._before + own)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _device(detector: nn.Module) -> torch.device:
    return next(detector.parameters()).device
