"""Trains one detector, alone or under a teacher, on mmengine's Runner with our loop and hooks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from frs_core.context import RunContext, save_json
from frs_core.datasets.records import Split
from frs_core.detectors.builders import build_detector, load_detector
from frs_core.detectors.wall import ParamSchedulerHook, Runner, get_device
from frs_core.errors import NonFiniteLossError
from frs_core.events import CheckpointKind
from frs_core.spec.base import canonical_hash
from frs_core.spec.job import JobSpec
from frs_core.training.hooks import DominanceHook, EveryEpochsHook, ReportHook, StopHook
from frs_core.training.inherit import inherit
from frs_core.training.loop import StepLoop
from frs_core.training.method import build_method
from frs_core.training.model import DistillingDetector, Teacher
from frs_core.training.optimizer import build_optimizer, build_schedulers
from frs_core.training.samples import SplitImages, StepSampler, make_loader, steps_per_epoch
from frs_core.training.state import restore_state, save_state

_MAX_DIAGNOSES = 200

Evaluate = Callable[[nn.Module, int, int], object]
"""Called between epochs, not after the last, with the detector, the steps done and the epochs done."""


@dataclass(frozen=True)
class Trained:
    """The detector at the end of its training."""

    detector: nn.Module
    step: int
    epoch: int


def train(spec: JobSpec, split: Split, context: RunContext, evaluate: Evaluate) -> Trained:
    """Train to the schedule's end, from `context.resume_from` if there is one.

    Raises Stopped, with the state saved, when the context asks; NonFiniteLossError; CheckpointError.
    """
    schedule = spec.schedule
    per_epoch = steps_per_epoch(len(split.images), schedule.batch_size)
    total = schedule.epochs * per_epoch
    model = build_model(spec, len(split.classes)).to(get_device())
    optimizer = build_optimizer(model, schedule)
    schedulers = build_schedulers(optimizer, schedule, per_epoch)
    if model.inherited is not None:
        save_json(context, "inherited.json", model.inherited.as_dict())
    if context.resume_from is not None:
        restore_state(context.resume_from, model, optimizer, schedulers, job_hash=training_hash(spec))
    images = SplitImages(
        split,
        spec.dataset.format,
        spec.input_size,
        seed=spec.seed,
        flip_probability=schedule.flip_probability,
    )
    sampler = StepSampler(
        len(images), schedule.batch_size, seed=spec.seed, first_step=model.step, total_steps=total
    )
    save = _StateSaver(spec, model, optimizer, schedulers, context)
    runner = Runner(
        model=model,
        work_dir=str(context.workdir / "mmengine"),
        train_dataloader=make_loader(images, sampler, data_workers=spec.resources.data_workers),
        train_cfg={
            "type": StepLoop,
            "first_step": model.step,
            "total_steps": total,
            "steps_per_epoch": per_epoch,
        },
        optim_wrapper=optimizer,
        param_scheduler=schedulers,
        default_hooks=_no_default_hooks(),
        custom_hooks=[
            ReportHook(context),
            DominanceHook(context, _method_warmup(spec)),
            ParamSchedulerHook(),
            EveryEpochsHook(
                lambda runner: evaluate(model.student, runner.iter, runner.epoch),
                schedule.evaluate_every_epochs,
                at_last=False,
            ),
            EveryEpochsHook(save, schedule.checkpoint_every_epochs, at_last=True),
            StopHook(context, save, per_epoch),
        ],
        default_scope="mmdet",
        log_level="WARNING",
        randomness={"seed": spec.seed},
        experiment_name="run",
    )
    model.diagnose_every = -(-total // _MAX_DIAGNOSES)
    try:
        if model.step < total:
            runner.train()
    except NonFiniteLossError as error:
        batch = {
            "step": error.step,
            "image_ids": error.image_ids,
            "terms": {k: str(v) for k, v in error.values.items()},
        }
        save_json(context, "nonfinite_batch.json", batch)
        raise
    return Trained(detector=model.student, step=total, epoch=schedule.epochs)


def build_model(spec: JobSpec, num_classes: int) -> DistillingDetector:
    """Student, method and teacher of the job; a method that reads no signal keeps no teacher.

    With `init: inherit` the student starts with the teacher's neck and heads; `model.inherited` says which.
    """
    student = build_detector(spec.detector, num_classes, seed=spec.seed)
    if not spec.needs_teacher:
        return DistillingDetector(student, None, None, seed=spec.seed)
    assert spec.teacher is not None
    assert spec.teacher.checkpoint is not None
    assert spec.method is not None
    detector, _ = load_detector(spec.teacher.detector, num_classes, Path(spec.teacher.checkpoint))
    inherited = inherit(student, detector.state_dict()) if spec.method.init == "inherit" else None
    if not spec.method.requires:
        return DistillingDetector(student, None, None, seed=spec.seed, inherited=inherited)
    teacher = Teacher(detector.to(get_device()), spec.teacher.detector.family, spec.method.requires)
    return DistillingDetector(student, build_method(spec), teacher, seed=spec.seed, inherited=inherited)


def training_hash(spec: JobSpec) -> str:
    """What a state checkpoint belongs to: everything that shapes the training, paths and names aside."""
    left_out = {"name", "tags", "submitted_by", "checkpoint", "resources", "min_ap"}
    plain = spec.model_dump(mode="json", exclude=left_out | {"teacher", "dataset"})
    return canonical_hash(plain)


def _method_warmup(spec: JobSpec) -> int:
    if spec.method is None:
        return 0
    return int(getattr(spec.method.resolve(spec.detector.family), "warmup_steps", 0))


class _StateSaver:
    """Saves the state, once a step however often it is asked: an epoch may end where the run is stopped."""

    def __init__(
        self,
        spec: JobSpec,
        model: DistillingDetector,
        optimizer: Any,
        schedulers: list[Any],
        context: RunContext,
    ) -> None:
        self._parts = (model, optimizer, schedulers)
        self._job_hash = training_hash(spec)
        self._context = context
        self._saved_step: int | None = None

    def __call__(self, runner: Any) -> None:
        """Write `state_<step>.pth` into the work folder and publish it."""
        step = runner.iter
        if step == self._saved_step:
            return
        path = self._context.workdir / f"state_{step:08d}.pth"
        save_state(path, *self._parts, job_hash=self._job_hash)
        self._context.checkpoint(CheckpointKind.STATE, path, step=step, epoch=runner.epoch)
        self._saved_step = step


def _no_default_hooks() -> dict[str, None]:
    names = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")
    return dict.fromkeys(names)
