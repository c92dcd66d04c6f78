"""What `frs doctor` looks at. Each check gives one finding with its remedy; none changes anything."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from service.operate import redis_server

PROBE_SECONDS = 120
GIB = 2**30
WARN_DISK_BYTES = 10 * GIB
FAIL_DISK_BYTES = 1 * GIB
WORKER_REMEDY = "needed where jobs run: pip install 'frs-distill[worker]'"
_PROBE = """
import json
found = {}
try:
    import torch
    found["torch"] = torch.__version__
    found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    found["cuda"] = torch.version.cuda
except Exception as error:
    found["torch_error"] = f"{type(error).__name__}: {error}"
try:
    import cv2
    found["cv2"] = cv2.__version__
except Exception as error:
    found["cv2_error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


class Level(StrEnum):
    """`warn` limits what this machine can do; `fail` must be mended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found, and what to do about it."""

    name: str
    level: Level
    message: str
    remedy: str = ""


def checks(data_dir: Path) -> list[Callable[[], Finding]]:
    """The checks of this machine, in the order in which a newcomer meets them."""
    return [
        _python,
        _broker,
        lambda: _disk(data_dir),
        lambda: _data(data_dir),
        _torch,
        _opencv,
        _mmdet,
        _operators,
        _gpu,
    ]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding(name="python", level=Level.OK, message=f"{found} at {sys.prefix}")


def _broker() -> Finding:
    binary = redis_server.find_binary()
    if binary is None:
        return Finding(
            name="broker", level=Level.WARN, message="no Redis-compatible server", remedy=redis_server.REMEDY
        )
    return Finding(name="broker", level=Level.OK, message=str(binary))


def _disk(data_dir: Path) -> Finding:
    folder = data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    level = Level.OK if free >= WARN_DISK_BYTES else Level.WARN if free >= FAIL_DISK_BYTES else Level.FAIL
    remedy = "" if level is Level.OK else "free some space, or choose another disk with FRS_DATA_DIR"
    return Finding(
        name="disk", level=level, message=f"{free / GIB:.1f} GiB free for {data_dir}", remedy=remedy
    )


def _data(data_dir: Path) -> Finding:
    folder = data_dir.absolute()
    remedy = "make it writable for you, or choose another with FRS_DATA_DIR"
    if not folder.exists():
        parent = next(each for each in folder.parents if each.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding(name="data", level=Level.OK, message=f"{folder} will be made by `frs up`")
        return Finding(name="data", level=Level.FAIL, message=f"{parent} cannot be written to", remedy=remedy)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Finding(name="data", level=Level.FAIL, message=f"{folder} cannot be written to", remedy=remedy)
    return Finding(name="data", level=Level.OK, message=str(folder))


def _torch() -> Finding:
    found = _probe()
    if "torch" in found:
        return Finding(name="torch", level=Level.OK, message=found["torch"])
    return Finding(name="torch", level=Level.WARN, message=found["torch_error"], remedy=WORKER_REMEDY)


def _opencv() -> Finding:
    found = _probe()
    if "cv2" in found:
        return Finding(name="opencv", level=Level.OK, message=found["cv2"])
    fault = found["cv2_error"]
    if "ModuleNotFoundError" in fault:
        return Finding(name="opencv", level=Level.WARN, message=fault, remedy=WORKER_REMEDY)
    remedy = "install libgl1 and libglib2.0-0, or pip install opencv-python-headless instead of opencv-python"
    return Finding(name="opencv", level=Level.FAIL, message=fault, remedy=remedy)


def _mmdet() -> Finding:
    parts = {name: _version(f"onedl-{name}") for name in ("mmdetection", "mmengine", "mmcv")}
    missing = [name for name, found in parts.items() if found is None]
    message = ", ".join(f"{name} {found or 'absent'}" for name, found in parts.items())
    if missing:
        return Finding(name="mmdet", level=Level.WARN, message=message, remedy=WORKER_REMEDY)
    return Finding(name="mmdet", level=Level.OK, message=message)


def _operators() -> Finding:
    package = find_spec("mmcv")
    if package is None or package.origin is None:
        return Finding(name="operators", level=Level.WARN, message="no mmcv", remedy=WORKER_REMEDY)
    if list(Path(package.origin).parent.glob("_ext*.so")):
        return Finding(name="operators", level=Level.OK, message="mmcv's compiled ones")
    return Finding(
        name="operators",
        level=Level.OK,
        message="the project's fallback (mmcv is not compiled)",
    )


def _gpu() -> Finding:
    found = _probe()
    if found.get("gpus"):
        return Finding(
            name="gpu", level=Level.OK, message=f"{', '.join(found['gpus'])} (CUDA {found['cuda']})"
        )
    return Finding(
        name="gpu",
        level=Level.WARN,
        message="none that torch can use",
        remedy="jobs with `resources: {gpus: 0}` run here; for a GPU install its driver and torch for CUDA",
    )


@cache
def _probe() -> dict[str, Any]:
    """Imports torch and OpenCV in another process: this one stays light and survives a crash of theirs."""
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603  # a fixed command
            [sys.executable, "-c", _PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        fault = f"importing took more than {PROBE_SECONDS} s"
        return {"torch_error": fault, "cv2_error": fault}
    if done.returncode != 0:
        fault = f"importing ended with code {done.returncode}: {done.stderr.strip()[-200:]}"
        return {"torch_error": fault, "cv2_error": fault}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
