"""Stands in for `workers.child`: a run of real events, files and signals that needs no torch and no second.

What it does is written in the job's tags: `steps:20`, and in the first attempt only `fault:NAME` and
`hold-at:12` (at that step it waits to be stopped, or for a file `go` in its work folder).
It trains what `tests.miniature.optimisation` describes: a resumed run must end where a quiet one does.
Jobs for the detector `REAL` are handed on to the real child.
"""

import argparse
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from frs_core.context import LocalContext
from frs_core.errors import DatasetError, Stopped
from frs_core.events import CheckpointKind
from frs_core.files import publish
from tests.miniature.optimisation import GOAL, Optimisation
from workers.child_log import begin_child_log
from workers.parentage import die_with_parent

STATE_EVERY = 5
REAL = "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("workdir", type=Path)
    parser.add_argument("--resume-from", type=Path)
    parser.add_argument("--weights-mirror", type=Path, required=True)
    parser.add_argument("--weights-host", action="append")
    parser.add_argument("--weights-private-host", action="append")
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--parent", type=int, required=True)
    chosen = parser.parse_args()
    die_with_parent(chosen.parent)
    begin_child_log(chosen.workdir)
    job = yaml.safe_load((chosen.workdir / "job.yaml").read_text())
    if job["detector"]["zoo"] == REAL:
        os.execv(sys.executable, [sys.executable, "-m", "workers.child", *sys.argv[1:]])
    context = LocalContext(chosen.workdir, resume_from=chosen.resume_from)
    context.catch_signals()
    wishes = dict(tag.split(":", 1) for tag in job["tags"])
    logging.getLogger("frs_core").warning("%s begins", job["name"])
    _say(f"arguments {json.dumps(sys.argv)}")
    _say(f"environment {json.dumps(dict(os.environ))}")
    try:
        _run(context, job, wishes)
    except Stopped as stop:
        context.result("stopped", message=str(stop))
        return 75
    except DatasetError as error:
        context.result("failed", code=error.code, message=str(error), field=error.field, user_error=True)
        return 1
    context.result("succeeded")
    return 0


def _run(context: LocalContext, job: dict[str, Any], wishes: dict[str, str]) -> None:
    steps = int(wishes.get("steps", os.environ.get("MINIATURE_STEPS", "10")))
    one = Optimisation.begin(job["seed"], _teacher(job) or GOAL)
    if context.resume_from is not None:
        one = Optimisation.restored(context.resume_from.read_text())
    is_first = context.resume_from is None
    fault = wishes.get("fault") if is_first else None
    if fault == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    context.progress("starting", total_steps=steps)
    context.environment({"python": sys.version, "resumed": one.step})
    while (step := one.step + 1) <= steps:
        time.sleep(float(os.environ.get("MINIATURE_PACE", "0")))
        context.report(step, {"train/loss": one.advance()})
        _say(f"step {step}")
        if step % STATE_EVERY == 0 and step < steps:
            _save(context, one)
        if step == 7:
            _fail(fault, context)
        if is_first and step == int(wishes.get("hold-at", "0")):
            _hold(context)
        if context.should_stop():
            _save(context, one)
            raise Stopped(f"stopped at step {step}")
    _finish(context, one)


def _teacher(job: dict[str, Any]) -> list[float] | None:
    checkpoint = (job["teacher"] or {}).get("checkpoint")
    return None if checkpoint is None else json.loads(Path(checkpoint).read_text())


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _hold(context: LocalContext) -> None:
    while not context.should_stop() and not (context.workdir / "go").exists():
        time.sleep(0.01)


def _fail(fault: str | None, context: LocalContext) -> None:
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "exit":
        _say("the reason is in the last line")
        os._exit(3)
    elif fault == "user-error":
        raise DatasetError("the train split has no images: check dataset.root", field="dataset.root")
    elif fault == "garbage":
        with (context.workdir / "events.jsonl").open("a") as file:
            file.write('{"type": "metric", "step": -1}\n')
    elif fault == "outside":
        context.artifact("secret", context.workdir / "job.yaml", "text/plain")
        text = (context.workdir / "events.jsonl").read_text()
        (context.workdir / "events.jsonl").write_text(
            text.replace('"job.yaml"', '"../../../../etc/hostname"')
        )


def _save(context: LocalContext, one: Optimisation) -> None:
    temporary = context.workdir / "state.tmp"
    temporary.write_text(one.saved())
    path = publish(temporary, context.workdir / f"state_{one.step:08d}.pth")
    context.checkpoint(CheckpointKind.STATE, path, step=one.step, epoch=0)


def _finish(context: LocalContext, one: Optimisation) -> None:
    weights = context.workdir / "weights.safetensors"
    weights.write_text(json.dumps(one.weights))
    context.checkpoint(CheckpointKind.WEIGHTS, weights, step=one.step, epoch=1)
    config = context.workdir / "export_config.py"
    config.write_text("model = {}\n")
    context.artifact("export_config.py", config, "text/x-python")


if __name__ == "__main__":
    sys.exit(main())
