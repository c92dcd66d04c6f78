"""What a run runs on."""

import platform
from importlib.metadata import version
from typing import Any

import torch

from frs_core.detectors.wall import OPERATOR_SOURCE
from frs_core.processes import num_started


def environment() -> dict[str, Any]:
    """What this process runs on: versions, device, threads, and how many processes do the same."""
    packages = ("frs-distill", "torch", "onedl-mmdetection", "onedl-mmengine", "onedl-mmcv", "numpy")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "processes": num_started(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "operators": str(OPERATOR_SOURCE),
        **{name: version(name) for name in packages},
    }
