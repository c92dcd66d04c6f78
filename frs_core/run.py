"""The whole story of a job. `python -m frs_core.run job.yaml` tells it with no service at all."""

import argparse
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from frs_core.context import LocalContext, RunContext, save_text
from frs_core.datasets.check import check, describe, read_split
from frs_core.datasets.records import DatasetReport
from frs_core.detectors.builders import load_detector
from frs_core.detectors.checkpoints import save_weights
from frs_core.detectors.wall import get_device
from frs_core.environment import environment
from frs_core.errors import BelowMinApError, DatasetError, SpecError, Stopped, UserError
from frs_core.evaluation.evaluate import Metrics, evaluate
from frs_core.events import EVENTS_FILE, CheckpointKind
from frs_core.job_file import read_job
from frs_core.spec.job import JobKind, JobSpec
from frs_core.training.export import save_export
from frs_core.training.model_card import model_card
from frs_core.training.samples import steps_per_epoch
from frs_core.training.state import belongs_to
from frs_core.training.train import Trained, train, training_hash

STOPPED_EXIT_CODE = 75

log = logging.getLogger("frs_core.run")  # __name__ is __main__ where this file is the program


def run(spec: JobSpec, context: RunContext) -> None:
    """Check the data, train or load the detector, evaluate and export it; all results go to the context.

    Raises UserError for what the user can mend, and Stopped when the context asked to stop.
    """
    context.progress("starting", total_epochs=_total_epochs(spec))
    context.environment(environment())
    report = _checked(spec, context)
    trained = _trained(spec, report, context)
    names = ("val",) if spec.dataset.test is None else ("val", "test")
    results = {
        name: _evaluated(spec, report, context, name, trained, keep_predictions=True) for name in names
    }
    _export(trained, spec, report, results, context)
    _require_min_ap(spec, results["val"]["ap"])


def _trained(spec: JobSpec, report: DatasetReport, context: RunContext) -> Trained:
    if spec.kind is JobKind.EVALUATE:
        assert spec.checkpoint is not None
        detector, _ = load_detector(spec.detector, len(report.classes), Path(spec.checkpoint))
        return Trained(detector=detector.to(get_device()), step=0, epoch=0)

    def evaluate_between(detector: nn.Module, step: int, epoch: int) -> None:
        reached = Trained(detector=detector, step=step, epoch=epoch)
        _evaluated(spec, report, context, "val", reached, keep_predictions=False)

    return train(spec, read_split(spec.dataset, "train"), context, evaluate_between)


def _evaluated(
    spec: JobSpec,
    report: DatasetReport,
    context: RunContext,
    split_name: str,
    trained: Trained,
    *,
    keep_predictions: bool,
) -> Metrics:
    assert report.dataset_hash is not None
    at = {"step": trained.step, "epoch": trained.epoch}
    totals = {"total_steps": _total_steps(spec, report), "total_epochs": _total_epochs(spec)}
    context.progress("evaluating", **totals, **at)
    return evaluate(
        trained.detector,
        read_split(spec.dataset, split_name),
        spec,
        context,
        dataset_hash=report.dataset_hash,
        keep_predictions=keep_predictions,
        **at,
    )


def _total_epochs(spec: JobSpec) -> int:
    """Zero where nothing is trained, whatever the schedule says."""
    return 0 if spec.kind is JobKind.EVALUATE else spec.schedule.epochs


def _total_steps(spec: JobSpec, report: DatasetReport) -> int:
    return _total_epochs(spec) * steps_per_epoch(report.splits["train"].images, spec.schedule.batch_size)


def _require_min_ap(spec: JobSpec, ap: float | None) -> None:
    if spec.min_ap is not None and (ap is None or ap < spec.min_ap):
        raise BelowMinApError(
            f"AP on val is {ap}, below the {spec.min_ap} that teacher.min_ap asks for: "
            "train the teacher longer, give a better checkpoint, or lower teacher.min_ap",
            field="teacher.min_ap",
        )


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


def _export(
    trained: Trained,
    spec: JobSpec,
    report: DatasetReport,
    results: Mapping[str, Metrics],
    context: RunContext,
) -> None:
    at: dict[str, Any] = {"step": trained.step, "epoch": trained.epoch}
    context.progress("exporting", total_steps=trained.step, total_epochs=_total_epochs(spec), **at)
    weights = context.workdir / "weights.safetensors"
    save_weights(trained.detector.state_dict(), weights, {"classes": ",".join(report.classes)})
    export, config = save_export(context.workdir, trained.detector, spec, report.classes)
    context.artifact("export_config.py", config, "text/x-python")
    save_text(context, "model_card.md", model_card(spec, report, results, environment()), "text/markdown")
    context.checkpoint(CheckpointKind.EXPORT, export, **at)
    context.checkpoint(CheckpointKind.WEIGHTS, weights, **at, metadata={"classes": list(report.classes)})


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


def forget_foreign_state(spec: JobSpec, context: RunContext) -> None:
    """Have the run start anew, with a warning, where another version of the software saved its state."""
    if context.resume_from is not None and not belongs_to(context.resume_from, training_hash(spec)):
        context.warn(
            "state_unusable", "the saved state is of another version of the software: the run started anew"
        )
        context.resume_from = None


def main(arguments: list[str] | None = None) -> int:
    """Run one job file, its relative paths taken from its folder.

    Exit codes: 0 succeeded, 1 failed, 2 the file cannot be run, 75 stopped with its state saved.
    """
    parser = argparse.ArgumentParser(prog="python -m frs_core.run", description=main.__doc__)
    parser.add_argument("job", type=Path, help="a job specification in YAML")
    parser.add_argument(
        "--workdir", type=Path, help="folder for events and files; default: JOB without suffix"
    )
    parser.add_argument("--resume-from", type=Path, help="a state checkpoint to continue from")
    chosen = parser.parse_args(arguments)
    workdir = chosen.workdir or chosen.job.with_suffix("")
    try:
        spec = read_job(chosen.job)
        workdir.mkdir(parents=True, exist_ok=True)
    except SpecError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"argument --workdir: {workdir} cannot be made a folder: {error.strerror}")
    if (workdir / EVENTS_FILE).exists() and chosen.resume_from is None:
        parser.error(
            f"argument --workdir: {workdir} holds a run already: give another, or --resume-from its state"
        )
    context = LocalContext(workdir.absolute(), resume_from=chosen.resume_from)
    context.catch_signals()
    return run_and_report(spec, context)


if __name__ == "__main__":
    sys.exit(main())
