"""What a run runs on."""

import platform
from importlib.metadata import version
from typing import Any

import torch

from frs_core.detectors.wall import OPERATOR_SOURCE


def environment() -> dict[str, Any]:
    """What this process runs on: versions, device, threads."""
    packages = ("frs-distill", "torch", "onedl-mmdetection", "onedl-mmengine", "onedl-mmcv", "numpy")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "operators": str(OPERATOR_SOURCE),
        **{name: version(name) for name in packages},
    }
