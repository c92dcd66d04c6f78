"""Checks an experiment file without a server."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.client.experiment_file import ExperimentFile

if TYPE_CHECKING:
    from frs_core.spec import ExperimentSpec


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Faults, each with `field` and `message`; and, where there are none, a summary and warnings."""

    faults: Sequence[Mapping[str, Any]] = ()
    summary: str = ""
    warnings: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"valid": not self.faults, **asdict(self)}


def check_file(file: ExperimentFile) -> Verdict:
    """Judges the specification, then the data it names. Raises CommandFailure where packages are missing."""
    try:
        return _check(file.content)
    except ImportError as error:
        raise CommandFailure(
            f"validating needs the package {error.name}: pip install 'frs-distill[server]', "
            "or let a server judge the file with `frs submit`",
            ExitCode.FAILED,
        ) from error


def _check(content: Mapping[str, Any]) -> Verdict:
    from frs_core.spec import ExperimentSpec

    try:
        spec = ExperimentSpec.model_validate(content)
    except ValidationError as error:
        return Verdict(faults=_spec_faults(error))
    return _check_data(spec)


def _check_data(spec: "ExperimentSpec") -> Verdict:
    from frs_core.datasets.check import check

    if not spec.dataset.is_resolved:
        named = f"{spec.dataset.registered} is registered with a server: only the specification was checked"
        return Verdict(summary=_summary(spec), warnings=[f"dataset.registered: {named}"])
    if spec.dataset.root and not Path(spec.dataset.root).exists():
        elsewhere = f"{spec.dataset.root} is not on this machine: only the specification was checked"
        return Verdict(summary=_summary(spec), warnings=[f"dataset.root: {elsewhere}"])
    report = check(spec.dataset)
    if report.errors:
        return Verdict(faults=[fault.model_dump(mode="json") for fault in report.errors])
    counts = ", ".join(f"{name} {split.images}" for name, split in report.splits.items())
    return Verdict(
        summary=f"{_summary(spec)}; images: {counts}; classes: {', '.join(report.classes)}",
        warnings=[f"{fault.field}: {fault.message}" for fault in report.warnings],
    )


def _summary(spec: "ExperimentSpec") -> str:
    jobs = len(spec.methods) * len(spec.seeds)
    return (
        f"{spec.name}: 1 teacher and {jobs} students ({len(spec.methods)} methods x {len(spec.seeds)} seeds)"
        + (f", after {spec.num_search_jobs} runs of search" if spec.num_search_jobs else "")
    )


def _spec_faults(error: ValidationError) -> list[dict[str, Any]]:
    return [
        {
            "field": ".".join(str(part) for part in fault["loc"]) or "(top level)",
            "message": _remedy(fault["type"]) or fault["msg"].removeprefix("Value error, "),
            "value": fault["input"] if isinstance(fault["input"], str | int | float) else None,
        }
        for fault in error.errors(include_url=False)
    ]


def _remedy(kind: str) -> str | None:
    known = {"extra_forbidden": "unknown key; correct its spelling or remove it", "missing": "is required"}
    return known.get(kind)
