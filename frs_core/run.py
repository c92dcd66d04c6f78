"""The whole story of a job. `python -m frs_core.run job.yaml` tells it with no service at all."""

import argparse
import logging
import platform
import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from frs_core.context import LocalContext, RunContext
from frs_core.datasets.check import check, describe, read_split
from frs_core.datasets.records import DatasetReport
from frs_core.detectors.builders import load_detector
from frs_core.detectors.checkpoints import save_weights
from frs_core.detectors.wall import OPERATOR_SOURCE, get_device
from frs_core.errors import DatasetError, SpecError, Stopped, UserError
from frs_core.evaluation.evaluate import evaluate
from frs_core.events import CheckpointKind
from frs_core.spec.job import JobKind, JobSpec
from frs_core.training.export import save_export
from frs_core.training.train import Trained, train

STOPPED_EXIT_CODE = 75

log = logging.getLogger("frs_core.run")  # __name__ is __main__ where this file is the program


def run(spec: JobSpec, context: RunContext) -> None:
    """Check the data, train or load the detector, evaluate and export it; all results go to the context.

    Raises UserError for what the user can mend, and Stopped when the context asked to stop.
    """
    context.progress("starting", total_epochs=spec.schedule.epochs)
    context.environment(_environment())
    report = _checked(spec, context)
    assert report.dataset_hash is not None
    dataset_hash = report.dataset_hash

    def on_split(name: str, detector: nn.Module, step: int, epoch: int) -> None:
        at = {"step": step, "epoch": epoch}
        context.progress("evaluating", total_steps=step, total_epochs=spec.schedule.epochs, **at)
        last = spec.kind is JobKind.EVALUATE or epoch == spec.schedule.epochs
        split = read_split(spec.dataset, name)
        evaluate(detector, split, spec, context, dataset_hash=dataset_hash, keep_predictions=last, **at)

    if spec.kind is JobKind.EVALUATE:
        assert spec.checkpoint is not None
        detector, _ = load_detector(spec.detector, len(report.classes), Path(spec.checkpoint))
        detector.to(get_device())
        trained = Trained(detector=detector, step=0, epoch=0)
        on_split("val", detector, 0, 0)
    else:
        train_split = read_split(spec.dataset, "train")
        trained = train(spec, train_split, context, lambda *reached: on_split("val", *reached))
    if spec.dataset.test is not None:
        on_split("test", trained.detector, trained.step, trained.epoch)
    _export(trained, spec, report, context)


def _checked(spec: JobSpec, context: RunContext) -> DatasetReport:
    report = check(spec.dataset)
    if report.errors:
        raise DatasetError(describe(report.errors), field=report.errors[0].field)
    for fault in report.warnings:
        context.warn(
            fault.code,
            f"{fault.field}: {fault.message}",
            count=fault.count,
            details={"field": fault.field, "examples": list(fault.examples)},
        )
    train_images = report.splits["train"].images
    if spec.kind is not JobKind.EVALUATE and spec.schedule.batch_size > train_images:
        raise SpecError(
            f"schedule.batch_size is {spec.schedule.batch_size}, but the train split has "
            f"{train_images} images: give {train_images} or less",
            field="schedule.batch_size",
        )
    return report


def _export(trained: Trained, spec: JobSpec, report: DatasetReport, context: RunContext) -> None:
    at: dict[str, Any] = {"step": trained.step, "epoch": trained.epoch}
    context.progress("exporting", total_steps=trained.step, total_epochs=spec.schedule.epochs, **at)
    weights = context.workdir / "weights.safetensors"
    save_weights(trained.detector.state_dict(), weights, {"classes": ",".join(report.classes)})
    export, config = save_export(context.workdir, trained.detector, spec, report.classes)
    context.artifact("export_config.py", config, "text/x-python")
    context.checkpoint(CheckpointKind.EXPORT, export, **at)
    context.checkpoint(CheckpointKind.WEIGHTS, weights, **at, metadata={"classes": list(report.classes)})


def _environment() -> dict[str, Any]:
    from importlib.metadata import version

    packages = ("frs-distill", "torch", "onedl-mmdetection", "onedl-mmengine", "onedl-mmcv", "numpy")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "operators": str(OPERATOR_SOURCE),
        **{name: version(name) for name in packages},
    }


def run_and_report(spec: JobSpec, context: LocalContext) -> int:
    """Run, and write how it ended as the last event. Gives 0, 1, or 75 when stopped with its state saved."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("frs_core").setLevel(logging.INFO)
    log.info("%s %s: %s", spec.kind.value, spec.name, context.workdir)
    try:
        run(spec, context)
    except Stopped as stop:
        log.info("%s", stop)
        context.result("stopped", message=str(stop))
        return STOPPED_EXIT_CODE
    except UserError as error:
        log.error("%s", error)  # noqa: TRY400 - the message is for the user, who has no use for our frames
        context.result("failed", code=error.code, message=str(error), field=error.field, user_error=True)
        return 1
    except Exception as error:
        log.exception("the run failed")
        context.result("failed", code="crash", message=f"{type(error).__name__}: {error}")
        return 1
    log.info("succeeded")
    context.result("succeeded")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one job file; its relative paths are relative to the file."""
    parser = argparse.ArgumentParser(prog="python -m frs_core.run", description=main.__doc__)
    parser.add_argument("job", type=Path, help="a job specification in YAML")
    parser.add_argument(
        "--workdir", type=Path, help="folder for events and files; default: JOB without suffix"
    )
    parser.add_argument("--resume-from", type=Path, help="a state checkpoint to continue from")
    chosen = parser.parse_args(arguments)
    spec = JobSpec.model_validate(yaml.safe_load(chosen.job.read_text()))
    workdir = chosen.workdir or chosen.job.with_suffix("")
    workdir.mkdir(parents=True, exist_ok=True)
    context = LocalContext(workdir.absolute(), resume_from=chosen.resume_from)
    context.catch_signals()
    return run_and_report(spec, context)


if __name__ == "__main__":
    sys.exit(main())
