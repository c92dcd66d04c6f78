"""Which GPUs and compiled operators this host lends to jobs, learnt without loading torch."""

import csv
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from frs_core import zoo

QUERY_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One device. `uuid` is a name that CUDA_VISIBLE_DEVICES understands."""

    uuid: str
    name: str
    memory_mib: int | None


class DevicesError(ValueError):
    """The devices that a worker is to lend are not there."""


def discover_gpus(environment: Mapping[str, str] = os.environ) -> list[Gpu]:
    """The GPUs that CUDA would show a process of this environment, in its order; none without a driver."""
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1", "NoDevFiles"):
        return []
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if program is None:
        return []
    command = [program, "--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=QUERY_SECONDS, check=False)  # noqa: S603  # nosec B603  # a fixed command
    present = _parse(answer.stdout) if answer.returncode == 0 else []
    return present if visible is None else _chosen(present, visible)


def lent_gpus(devices: str, environment: Mapping[str, str] = os.environ) -> list[Gpu]:
    """The GPUs that `devices` names among those discovered, in its order: all for "", none for "none".

    Raises DevicesError for a name that is none of them, or comes twice.
    """
    if devices == "none":
        return []
    present = discover_gpus(environment)
    if not devices:
        return present
    chosen: list[Gpu] = []
    for name in (part.strip() for part in devices.split(",")):
        gpu = _find(present, name)
        if gpu is None or gpu in chosen:
            there = ", ".join(f"{number} ({each.uuid})" for number, each in enumerate(present)) or "none"
            fault = "is not there" if gpu is None else "is named twice"
            raise DevicesError(
                f"--devices is {devices!r}: {name!r} {fault}. This host has {there}; give their numbers or "
                "uuids with commas between, or none"
            )
        chosen.append(gpu)
    return chosen


def compiled_operators(name: str = "mmcv") -> tuple[str, ...]:
    """Those of the zoo's detectors that the installed mmcv has compiled: all of them, or none.

    They are one shared library, found by its file: loading it would load torch.
    """
    spec = find_spec(name)
    if spec is None or spec.origin is None or not any(Path(spec.origin).parent.glob("_ext*.so")):
        return ()
    return zoo.operators()


def describe(gpus: list[Gpu], num_slots: int, operators: Sequence[str] = ()) -> dict[str, Any]:
    """What the ledger keeps of a worker's devices. One job may have all of its GPUs."""
    return {
        "gpus": [asdict(gpu) for gpu in gpus],
        "gpus_per_job": len(gpus),
        "slots": num_slots,
        "cpus": len(os.sched_getaffinity(0)),
        "operators": list(operators),
    }


def _parse(listing: str) -> list[Gpu]:
    rows = csv.reader(listing.splitlines(), skipinitialspace=True)
    return [
        Gpu(uuid=row[0], name=row[1], memory_mib=int(row[2]) if row[2].isdigit() else None)
        for row in rows
        if len(row) == 3
    ]


def _chosen(present: list[Gpu], visible: str) -> list[Gpu]:
    """CUDA's rule: the devices named, by number or start of uuid, up to the first that is not there."""
    chosen: list[Gpu] = []
    for name in (part.strip() for part in visible.split(",")):
        gpu = _find(present, name)
        if gpu is None:
            break
        chosen.append(gpu)
    return chosen


def _find(present: list[Gpu], name: str) -> Gpu | None:
    if name.isdigit():
        return present[int(name)] if int(name) < len(present) else None
    if name.startswith("MIG-"):
        return Gpu(uuid=name, name="MIG device", memory_mib=None)
    return next((gpu for gpu in present if name and gpu.uuid.startswith(name)), None)
