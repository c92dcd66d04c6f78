"""The whole story of a job. `python -m frs_core.run job.yaml` tells it with no service at all."""

import argparse
import logging
import sys
from pathlib import Path

from torch import nn

from frs_core.context import LocalContext, RunContext, local_context
from frs_core.datasets.check import read_split
from frs_core.datasets.records import DatasetReport
from frs_core.detectors.wall import get_device
from frs_core.environment import environment
from frs_core.errors import (
    BelowMinApError,
    SpecError,
    Stopped,
    UnexpectedApError,
    UserError,
)
from frs_core.evaluation.evaluate import evaluate
from frs_core.evaluation.judge import Metrics
from frs_core.evaluation.pictures import save_pictures
from frs_core.events import EVENTS_FILE, EXIT_CODES
from frs_core.importing.job import import_checkpoint
from frs_core.job_file import read_job
from frs_core.planning.job import plan_experiment
from frs_core.planning.shortage import is_shortage, shortage
from frs_core.prediction.job import predict_pictures
from frs_core.preflight import checked, preflight, require_images
from frs_core.processes import as_launched, is_one_of_several, needs_launch
from frs_core.scoring.job import score_predictions
from frs_core.spec.imported import ImportSpec
from frs_core.spec.job import AP_TOLERANCE, JobKind, JobSpec
from frs_core.spec.kinds import AnyJobSpec
from frs_core.spec.plan import PlanSpec
from frs_core.spec.predict import PredictSpec
from frs_core.spec.preflight import PreflightSpec
from frs_core.spec.score import ScoreSpec
from frs_core.training.export import beside_the_result, publish_export
from frs_core.training.start import load_given
from frs_core.training.state import belongs_to
from frs_core.training.train import Trained, train, training_hash
from frs_core.weights.sources import WeightsSources

STOPPED_EXIT_CODE = EXIT_CODES["stopped"]
_NOTICE_SECONDS = 3.0

log = logging.getLogger("frs_core.run")  # __name__ is __main__ where this file is the program


def run(spec: AnyJobSpec, context: RunContext) -> None:
    """The job of whatever kind; all results go to the context.

    Raises UserError for what the user can mend, and Stopped when the context asked to stop.
    """
    context.progress("starting")
    context.environment(environment())
    if isinstance(spec, PredictSpec):
        predict_pictures(spec, context)
    elif isinstance(spec, PlanSpec):
        plan_experiment(spec, context)
    elif isinstance(spec, PreflightSpec):
        preflight(spec, context)
    elif isinstance(spec, ScoreSpec):
        score_predictions(spec, context)
    elif isinstance(spec, ImportSpec):
        import_checkpoint(spec, context)
    else:
        _within_memory(spec, context)


def _within_memory(spec: JobSpec, context: RunContext) -> None:
    """Raises OutOfMemoryError, with what to change, where the device or the host has not enough."""
    try:
        _train_or_evaluate(spec, context)
    except Exception as error:
        if not is_shortage(error):
            raise
        raise shortage(spec, error) from error


def _train_or_evaluate(spec: JobSpec, context: RunContext) -> None:
    """Check the data, train or load the detector, evaluate and export it."""
    report = _checked(spec, context)
    trained = _trained(spec, report, context)
    if not context.leads:
        return
    names = ("val",) if spec.dataset.test is None else ("val", "test")
    results = {
        name: _evaluated(spec, report, context, name, trained, keep_predictions=True) for name in names
    }
    if trained.best is not None:
        trained.best.offer(results["val"]["ap"], step=trained.step, epoch=trained.epoch)
    context.progress("exporting", **_totals(spec, report), step=trained.step, epoch=trained.epoch)
    publish_export(trained, spec, report, results, context)
    with beside_the_result(context, "pictures_missing", "no pictures"):
        save_pictures(trained.detector, read_split(spec.dataset, "val"), spec, context)
    _require_min_ap(spec, results["val"]["ap"])
    _require_expected_ap(spec, results["val"]["ap"])


def _trained(spec: JobSpec, report: DatasetReport, context: RunContext) -> Trained:
    if spec.kind is JobKind.EVALUATE:
        assert spec.checkpoint is not None
        detector = load_given(spec.detector, report.classes, spec.checkpoint, context, place="checkpoint")
        return Trained(detector=detector.to(get_device()), step=0, epoch=0)

    def evaluate_between(detector: nn.Module, step: int, epoch: int) -> float | None:
        reached = Trained(detector=detector, step=step, epoch=epoch)
        return _evaluated(spec, report, context, "val", reached, keep_predictions=False)["ap"]

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
    context.progress("evaluating", **_totals(spec, report), **at)
    return evaluate(
        trained.detector,
        read_split(spec.dataset, split_name),
        spec,
        context,
        dataset_hash=report.dataset_hash,
        keep_predictions=keep_predictions,
        **at,
    )


def _totals(spec: JobSpec, report: DatasetReport) -> dict[str, int]:
    """Zero where nothing is trained, whatever the schedule says."""
    if spec.kind is JobKind.EVALUATE:
        return {"total_steps": 0, "total_epochs": 0}
    length = spec.schedule.length(report.splits["train"].images)
    return {"total_steps": length.steps, "total_epochs": length.epochs}


def _require_min_ap(spec: JobSpec, ap: float | None) -> None:
    if spec.min_ap is not None and (ap is None or ap < spec.min_ap):
        raise BelowMinApError(
            f"AP on val is {ap}, below the {spec.min_ap} that teacher.min_ap asks for: "
            "train the teacher longer, give a better checkpoint, or lower teacher.min_ap",
            field="teacher.min_ap",
        )


def _require_expected_ap(spec: JobSpec, ap: float | None) -> None:
    if spec.expected_ap is not None and (ap is None or abs(ap - spec.expected_ap) > AP_TOLERANCE):
        raise UnexpectedApError(
            f"AP on val is {ap}, and {spec.expected_ap} was expected, give or take {AP_TOLERANCE}: check the "
            "checkpoint, the data set, its classes and input_size, or correct expected.teacher",
            field="expected.teacher",
        )


def _checked(spec: JobSpec, context: RunContext) -> DatasetReport:
    report = checked(spec.dataset, context)
    if spec.kind is not JobKind.EVALUATE:
        require_images(report, spec.schedule.images_per_step)
    return report


def run_and_report(spec: AnyJobSpec, context: LocalContext) -> int:
    """Run, and write how it ended as the last event. Gives 0, 1, or 75 when stopped with its state saved."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("frs_core").setLevel(logging.INFO if context.leads else logging.WARNING)
    log.info("%s %s: %s", spec.kind, spec.name, context.workdir)
    try:
        run(spec, context)
    except Stopped as stop:
        log.info("%s", stop)
        context.result("stopped", message=str(stop))
        return STOPPED_EXIT_CODE
    except UserError as error:
        if not context.leads and _another_failed(context):
            return 1
        log.error("%s", error)  # noqa: TRY400 - the message is for the user, who has no use for our frames
        context.result("failed", code=error.code, message=str(error), field=error.field, user_error=True)
        return 1
    except Exception as error:
        if is_one_of_several() and _another_failed(context):
            log.warning("ended, for another process has: %s", error)
            return 1
        log.exception("the run failed")
        context.result("failed", code="crash", message=f"{type(error).__name__}: {error}")
        return 1
    log.info("succeeded")
    context.result("succeeded")
    return 0


def _another_failed(context: LocalContext) -> bool:
    """Whether this process failed because another had: then torchrun tells the rest to stop, at once."""
    return context.is_stopped_within(_NOTICE_SECONDS)


def forget_foreign_state(spec: AnyJobSpec, context: RunContext) -> None:
    """Have the run start anew, with a warning, where another version of the software saved its state."""
    if context.resume_from is None or not isinstance(spec, JobSpec):
        return
    if not belongs_to(context.resume_from, training_hash(spec)):
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
    parser.add_argument(
        "--weights-mirror",
        type=Path,
        help="folder that weights are looked up in and downloaded to; default: WORKDIR/downloads",
    )
    parser.add_argument(
        "--cache-dir",
        type=Path,
        help="folder for teacher.cache, to be shared by runs; default: teacher_cache in the work folder",
    )
    chosen = parser.parse_args(arguments)
    workdir = chosen.workdir or chosen.job.with_suffix("")
    try:
        spec = as_launched(read_job(chosen.job))
        workdir.mkdir(parents=True, exist_ok=True)
    except SpecError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"argument --workdir: {workdir} cannot be made a folder: {error.strerror}")
    mirror = chosen.weights_mirror or workdir / "downloads"
    sources = WeightsSources(mirror=mirror.absolute())
    context = local_context(
        workdir.absolute(), resume_from=chosen.resume_from, sources=sources, cache_dir=chosen.cache_dir
    )
    if context.leads and (workdir / EVENTS_FILE).exists() and chosen.resume_from is None:
        parser.error(
            f"argument --workdir: {workdir} holds a run already: give another, or --resume-from its state"
        )
    if needs_launch(spec):
        from frs_core.launch import launch

        given = sys.argv[1:] if arguments is None else arguments
        return launch(context, "frs_core.run", given, num_processes=spec.resources.processes)
    context.catch_signals()
    return run_and_report(spec, context)


if __name__ == "__main__":
    sys.exit(main())
