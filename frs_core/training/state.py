"""The `state` checkpoint: everything a run needs to go on as if it had never stopped."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from frs_core.detectors.checkpoints import load_state
from frs_core.errors import CheckpointError
from frs_core.files import publish
from frs_core.training.model import DistillingDetector

_VERSION = 2


def save_state(
    path: Path,
    model: DistillingDetector,
    optimizer: Any,
    schedulers: list[Any],
    *,
    best: dict[str, Any],
    job_hash: str,
) -> None:
    """Write model with average, optimizer with loss scaler, schedule, random states and what was best.

    Under `path`, whole or not at all.
    """
    temporary = path.with_suffix(".partial")
    torch.save(
        {
            "version": _VERSION,
            "job_hash": job_hash,
            "step": model.step,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedulers": [_position(scheduler) for scheduler in schedulers],
            "random": _random_states(),
            "best": best,
        },
        temporary,
    )
    publish(temporary, path)


def restore_state(
    path: Path, model: DistillingDetector, optimizer: Any, schedulers: list[Any], *, job_hash: str
) -> dict[str, Any]:
    """Continue from `path`; gives its `best`. Raises CheckpointError: of another job or version."""
    state = load_state(path)
    if not _belongs(state, job_hash):
        raise CheckpointError(
            f"{path.name} is the state of another job or of another version: start the job anew"
        )
    model.load_state_dict(state["model"])
    model.step = state["step"]
    optimizer.load_state_dict(state["optimizer"])
    for scheduler, saved in zip(schedulers, state["schedulers"], strict=True):
        scheduler.load_state_dict(saved)
    _restore_random_states(state["random"])
    best: dict[str, Any] = state["best"]
    return best


def belongs_to(path: Path, job_hash: str) -> bool:
    """Whether `restore_state` would take the file. Raises CheckpointError where it is no state at all."""
    return _belongs(load_state(path), job_hash)


def _belongs(state: dict[str, Any], job_hash: str) -> bool:
    return state.get("version") == _VERSION and state.get("job_hash") == job_hash


def _position(scheduler: Any) -> dict[str, Any]:
    """Where a schedule is. Its shape comes from the spec; its Counter of milestones is not plain data."""
    state = scheduler.state_dict()
    return {key: state[key] for key in ("last_step", "_global_step", "_last_value")}


def _random_states() -> dict[str, Any]:
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": {
            "name": name,
            "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
            "rest": [int(position), int(has_gauss), float(cached)],
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _restore_random_states(states: dict[str, Any]) -> None:
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    saved = states["numpy"]
    np.random.set_state((saved["name"], saved["keys"].numpy().astype(np.uint32), *saved["rest"]))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"][: torch.cuda.device_count()])
