"""The story of a `plan` job: each row of an experiment tried for a few steps, and what that amounts to."""

from frs_core.context import RunContext
from frs_core.datasets.check import check, describe, read_split
from frs_core.datasets.records import DatasetReport
from frs_core.errors import DatasetError, Stopped
from frs_core.files import save_json
from frs_core.methods import Signal
from frs_core.planning.advice import in_gib
from frs_core.planning.measure import Bench, device
from frs_core.planning.plan import Images, Measured, make_plan
from frs_core.spec.cache import cache_size
from frs_core.spec.expand import PlannedJob, expand
from frs_core.spec.experiment import ExperimentSpec
from frs_core.spec.plan import PlanSpec

PLAN = "plan.json"


def plan_experiment(spec: PlanSpec, context: RunContext) -> None:
    """Leaves `plan.json`. Raises DatasetError, and Stopped, after which it starts anew."""
    report = check(spec.experiment.dataset, decode=False)
    if report.errors:
        raise DatasetError(describe(report.errors), field=report.errors[0].field)
    where = device()
    bench = Bench(context, where, timed_steps=spec.timed_steps)
    rows = _rows(spec)
    measured: dict[str, Measured] = {}
    for number, planned in enumerate(rows):
        if context.should_stop():
            raise Stopped(f"stopped before {planned.label}")
        context.progress("timing", step=number, total_steps=len(rows))
        measured[planned.label] = bench.measure(planned.spec)
    plan = make_plan(
        spec.experiment,
        images=Images(**{name: split.images for name, split in report.splits.items()}),
        num_slots=spec.num_slots,
        keep_states=spec.keep_states,
        device=where,
        measured=measured,
        notes=_cache_notes(spec.experiment, report),
    )
    save_json(context, PLAN, plan.model_dump(mode="json"))
    context.progress("timing", step=len(rows), total_steps=len(rows))


def _cache_notes(experiment: ExperimentSpec, report: DatasetReport) -> list[str]:
    """What the teacher's cache adds: the rows are timed without it."""
    cache = experiment.teacher.cache
    if cache is None:
        return []
    train = read_split(experiment.dataset, "train")
    size = cache_size(
        cache,
        experiment.teacher.detector,
        image_sizes=((image.width, image.height) for image in train.images),
        input_size=experiment.input_size,
        num_classes=len(report.classes),
        flip_probability=experiment.schedule.flip_probability,
        requires=frozenset[Signal]().union(*(method.requires for method in experiment.methods)),
    )
    return [
        f"teacher.cache takes up to {in_gib(size.size_bytes)} on each worker's own disk besides; the steps "
        "that read it are quicker than those timed here"
    ]


def _rows(spec: PlanSpec) -> list[PlannedJob]:
    """The first job of each row."""
    first: dict[str, PlannedJob] = {}
    for planned in expand(spec.experiment):
        first.setdefault(planned.label, planned)
    return list(first.values())
