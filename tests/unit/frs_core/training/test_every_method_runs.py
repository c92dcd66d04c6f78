"""The whole matrix: each method in whole runs, stopped and resumed, and in two processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from frs_core.context import LocalContext
from frs_core.events import ResultEvent
from tests.unit.frs_core.training.test_distributed import TORCHRUN
from tests.unit.frs_core.training.test_every_method import NAMES, fitting, job
from tests.unit.frs_core.training.test_resume import EVERYTHING, StopsAfter, continues, events, states

pytestmark = [pytest.mark.torch, pytest.mark.slow]
Make = Callable[..., Any]


def scheduled(spec: Any, **changes: Any) -> Any:
    return type(spec).model_validate({**spec.model_dump(mode="json"), **changes})


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_resumed_it_ends_as_if_it_had_never_stopped(
    name: str, tiny_job: Make, teacher_of: Make, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    from frs_core.run import STOPPED_EXIT_CODE, run_and_report

    torch.use_deterministic_algorithms(True, warn_only=True)
    spec = scheduled(job(tiny_job, teacher_of, name, fitting(name)), schedule=EVERYTHING)
    whole, first, second = (tmp_path / part for part in ("whole", "first", "second"))
    assert run_and_report(spec, LocalContext(whole)) == 0
    assert run_and_report(spec, StopsAfter(first, 5)) == STOPPED_EXIT_CODE
    assert run_and_report(spec, LocalContext(second, resume_from=states(first)[5])) == 0
    continues(whole, first, second)
    assert not any("adapter" in key or "method" in key for key in load_file(whole / "weights.safetensors"))


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_train_it(
    name: str, tiny_job: Make, teacher_of: Make, tmp_path: Path, repo_root: Path
) -> None:
    """Neither waits for a gradient that the other does not have."""
    spec = job(tiny_job, teacher_of, name, fitting(name))
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(spec.model_dump(mode="json", exclude={"resources"})))
    command = [sys.executable, *TORCHRUN, "-m", "frs_core.run", "job.yaml", "--workdir", "out"]
    environment = {**os.environ, "PYTHONPATH": str(repo_root), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
    results = [event.outcome for event in events(tmp_path / "out") if isinstance(event, ResultEvent)]
    assert results == ["succeeded"]
