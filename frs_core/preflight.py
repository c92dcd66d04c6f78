"""Looks at a data set where it lies, and reports what it holds."""

from frs_core.context import RunContext
from frs_core.datasets.check import check, describe, examine
from frs_core.datasets.records import DatasetReport
from frs_core.errors import DatasetError, SpecError
from frs_core.spec import DatasetSpec
from frs_core.spec.preflight import PreflightSpec


def preflight(spec: PreflightSpec, context: RunContext) -> None:
    """Check the data and report what they hold. Raises as `checked` and `require_images` do.

    One that `examines` reports faults instead of raising them.
    """
    if spec.examines:
        found = examine(spec.dataset)
        context.dataset(found.report, found.statistics)
        return
    report = checked(spec.dataset, context)
    require_images(report, spec.min_train_images)
    context.dataset(report)


def checked(dataset: DatasetSpec, context: RunContext) -> DatasetReport:
    """What a data set holds, its warnings told. Raises DatasetError for what nobody could train on."""
    report = check(dataset)
    if report.errors:
        raise DatasetError(describe(report.errors), field=report.errors[0].field)
    for fault in report.warnings:
        context.warn(
            fault.code,
            f"{fault.field}: {fault.message}",
            count=fault.count,
            details={"field": fault.field, "examples": list(fault.examples)},
        )
    return report


def require_images(report: DatasetReport, images_per_step: int) -> None:
    """Raises SpecError where the train split has fewer images than one step takes."""
    train_images = report.splits["train"].images
    if images_per_step > train_images:
        raise SpecError(
            f"schedule.batch_size x accumulate is {images_per_step}, but the train split has "
            f"{train_images} images: give {train_images} or less",
            field="schedule.batch_size",
        )
