"""Trains one detector, alone or under a teacher, on mmengine's Runner with our loop and hooks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from frs_core.context import RunContext
from frs_core.cost import TrainingCost
from frs_core.datasets.records import Split
from frs_core.detectors.builders import build_detector
from frs_core.detectors.wall import ParamSchedulerHook, Runner, get_device
from frs_core.distributed import by_the_first, process_group
from frs_core.errors import NonFiniteLossError
from frs_core.evaluation.cost import count_parameters
from frs_core.files import save_json
from frs_core.spec.base import canonical_hash
from frs_core.spec.job import JobSpec
from frs_core.spec.schedule import Length
from frs_core.training.cached_teacher import cached
from frs_core.training.freeze import freeze
from frs_core.training.hooks import DominanceHook, IntervalHook, ReportHook, StopHook
from frs_core.training.inherit import inherit
from frs_core.training.loop import StepLoop
from frs_core.training.method import build_method
from frs_core.training.model import DistillingDetector, Teacher
from frs_core.training.optimizer import build_optimizer, build_schedulers
from frs_core.training.samples import training_loader
from frs_core.training.saving import BestWeights, StateSaver
from frs_core.training.start import load_given, load_start
from frs_core.training.step_clock import StepClock

_MAX_DIAGNOSES = 200
_RUNNER = {
    "default_hooks": dict.fromkeys(
        ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")
    ),
    "default_scope": "mmdet",
    "log_level": "WARNING",
    "experiment_name": "run",
}

_TEACHER_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

Evaluate = Callable[[nn.Module, int, int], float | None]
"""Called between epochs, not after the last step, with the detector, the steps done and the epochs done.

Gives the AP on val.
"""


@dataclass(frozen=True)
class Trained:
    """The detector at the end of its training, and the best on the way; `epoch` counts whole ones."""

    detector: nn.Module
    step: int
    epoch: int
    best: BestWeights | None = None
    cost: TrainingCost | None = None
    adapter_params: int = 0


@process_group()
def train(spec: JobSpec, split: Split, context: RunContext, evaluate: Evaluate) -> Trained:
    """Train to the schedule's end, from `context.resume_from` if there is one.

    Raises Stopped, with the state saved, when the context asks, and the UserErrors of what it was given.
    """
    length = spec.schedule.length(len(split.images))
    model = build_model(spec, split.classes, context).to(get_device())
    model.read_teacher_through(lambda teacher: cached(teacher, spec, split, context))
    model.diagnose_every = -(-length.steps // _MAX_DIAGNOSES)
    optimizer = build_optimizer(model, spec.schedule)
    schedulers = build_schedulers(optimizer, spec.schedule, length)
    best = BestWeights(model, context, split.classes)
    saver = StateSaver(
        model, optimizer, schedulers, best, context,
        job_hash=training_hash(spec), keep=spec.schedule.keep_states,
    )  # fmt: skip
    if model.inherited is not None:
        save_json(context, "inherited.json", model.inherited.as_dict())
    if context.resume_from is not None:
        saver.restore(context.resume_from)

    def evaluate_and_keep(runner: Any) -> None:
        best.offer(evaluate(model.trained, runner.iter, runner.epoch), step=runner.iter, epoch=runner.epoch)

    hooks, clock = _hooks(spec, length, context, by_the_first(evaluate_and_keep), by_the_first(saver.save))
    runner = Runner(
        model=model,
        work_dir=str(context.workdir / "mmengine"),
        train_dataloader=training_loader(spec, split, length, first_step=model.step),
        train_cfg={"type": StepLoop, "first_step": model.step, "length": length},
        optim_wrapper=optimizer,
        param_scheduler=schedulers,
        custom_hooks=hooks,
        randomness={"seed": spec.seed},
        **_RUNNER,
    )
    with closing(model), _nonfinite_batch_kept(context):
        if model.step < length.steps:
            runner.train()
    return Trained(
        detector=model.finished(),
        step=length.steps,
        epoch=length.epochs,
        best=best,
        cost=clock.cost(spec.schedule.images_per_step, next(model.parameters()).device),
        adapter_params=count_parameters(model.method),
    )


def _hooks(
    spec: JobSpec,
    length: Length,
    context: RunContext,
    evaluate: Callable[[Any], None],
    save: Callable[[Any], None],
) -> tuple[list[Any], StepClock]:
    """In the order in which they act after a step; and the one of them that is the clock."""
    schedule, epoch = spec.schedule, length.steps_per_epoch
    evaluations = [schedule.evaluate_every_epochs * epoch]
    saves = [schedule.checkpoint_every_epochs * epoch]
    if schedule.checkpoint_every_steps is not None:
        saves.append(schedule.checkpoint_every_steps)
    clock = StepClock(pauses=[*evaluations, *saves])
    hooks = [
        clock,
        ReportHook(context),
        DominanceHook(context, _method_warmup(spec)),
        ParamSchedulerHook(),
        IntervalHook(evaluate, evaluations, at_last=False),
        IntervalHook(save, saves, at_last=True),
        StopHook(context, save),
    ]
    return hooks, clock


@contextmanager
def _nonfinite_batch_kept(context: RunContext) -> Iterator[None]:
    try:
        yield
    except NonFiniteLossError as error:
        batch = {
            "step": error.step,
            "image_ids": error.image_ids,
            "terms": {k: str(v) for k, v in error.values.items()},
        }
        save_json(context, "nonfinite_batch.json", batch)
        raise


def build_model(spec: JobSpec, classes: Sequence[str], context: RunContext) -> DistillingDetector:
    """Student, method and teacher of the job; a method that reads no signal keeps no teacher.

    The student starts with the job's checkpoint, if any; with `init: inherit` its neck and heads are then the
    teacher's, and `model.inherited` says which. A run that resumes has its weights from its state alone.
    """
    student = build_detector(spec.detector, len(classes), seed=spec.seed)
    freeze(student, spec.schedule)
    is_new = context.resume_from is None
    if is_new:
        load_start(student, spec, classes, context)
    given: dict[str, Any] = {"seed": spec.seed, "schedule": spec.schedule}
    if not spec.needs_teacher:
        return DistillingDetector(student, None, None, **given)
    assert spec.teacher is not None
    assert spec.teacher.checkpoint is not None
    assert spec.method is not None
    detector = load_given(
        spec.teacher.detector, classes, spec.teacher.checkpoint, context, place="teacher.checkpoint"
    )
    inherits = spec.method.init == "inherit" and is_new
    inherited = inherit(student, detector.state_dict()) if inherits else None
    if not spec.method.requires:
        return DistillingDetector(student, None, None, **given, inherited=inherited)
    teacher = Teacher(
        detector.to(get_device()),
        spec.teacher.detector.family,
        spec.method.requires,
        _TEACHER_DTYPES[spec.teacher.precision],
    )
    return DistillingDetector(student, build_method(spec), teacher, **given, inherited=inherited)


def training_hash(spec: JobSpec) -> str:
    """What a state checkpoint belongs to: everything that shapes the training, paths and names aside."""
    left_out = {"name", "tags", "submitted_by", "checkpoint", "resources", "min_ap", "expected_ap"}
    plain = spec.model_dump(mode="json", exclude=left_out | {"teacher", "dataset"})
    return canonical_hash(plain)


def _method_warmup(spec: JobSpec) -> int:
    if spec.method is None:
        return 0
    options = (part.resolve(spec.detector.family) for part in spec.method.parts)
    return max(int(getattr(each, "warmup_steps", 0)) for each in options)
