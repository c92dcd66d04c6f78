"""An experiment that is being written, in the form or as YAML, and what is to be said about it."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ValidationError

from frs_core.datasets.records import DatasetReport
from frs_core.errors import SpecError
from frs_core.spec import ExperimentSpec, JobKind, PlannedJob, expand
from frs_core.yaml_file import field_lines, nearest_line
from service.api import intake
from service.api.dependencies import Resources
from service.api.problems import MAX_FAULTS, FieldFault, ProblemError, fault
from service.api.rendering import MISSING, from_pydantic
from service.api.submitted_data import known_data, with_data
from service.dashboard.spec_form.places import YAML_TEXT, Place, place_of
from service.dashboard.spec_form.texts import experiment_from_yaml, to_yaml
from service.dashboard.spec_form.values import ROWS, Values, fill, num_ticked, read, text_of

Mode = Literal["form", "yaml"]
MODE, YAML, KEY = "_mode", "_yaml", "_key"
"""Names in the form that are no fields of a specification."""

_KEY = re.compile(r"[\w-]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a person has typed. `key` is the page's own: what it submits twice is made once."""

    mode: Mode = "form"
    values: Values = field(default_factory=lambda: fill({}))
    yaml: str = ""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @classmethod
    def of_body(cls, body: Mapping[str, Sequence[str]]) -> "Draft":
        """As the page's form sends it."""
        key = text_of(body, KEY)
        draft = cls(
            mode="yaml" if text_of(body, MODE) == "yaml" else "form",
            values={name: texts for name, texts in body.items() if not name.startswith("_")},
            yaml=text_of(body, YAML),
        )
        return replace(draft, key=key) if _KEY.fullmatch(key) else draft


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A fault with its place on the page; `line` is that of a written specification."""

    fault: FieldFault
    place: Place
    line: int | None = None

    @property
    def message(self) -> str:
        """What is wrong, where within the field, and what was given."""
        where = f"{self.place.rest}: " if self.place.rest else ""
        value = self.fault.value
        is_told = value is None or str(value) in self.fault.message
        return f"{where}{self.fault.message}" + ("" if is_told else f"; got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be said of a draft. `spec` is None while something is wrong with its form.

    `missing` are faults of fields that are still to be filled in; `has_unread` says that `plain` lacks texts
    that cannot be read; `lines` are those of a written specification's fields. `report` is of the data, where
    they were looked at and are seen from here.
    """

    plain: Mapping[str, Any]
    spec: ExperimentSpec | None = None
    faults: tuple[Shown, ...] = ()
    missing: tuple[Shown, ...] = ()
    has_unread: bool = False
    lines: Mapping[str, int] = field(default_factory=dict)
    data_checked: bool = False
    report: DatasetReport | None = None

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong, as far as was looked."""
        return self.spec is not None and not self.faults

    @property
    def yaml(self) -> str:
        """The specification as a file."""
        return to_yaml(dict(self.plain))

    @property
    def command(self) -> str:
        """What submits such a file."""
        name = self.plain.get("name")
        words = re.sub(r"[^\w.]+", "-", name if isinstance(name, str) else "").strip("-.")[:80]
        return f"frs submit {words or 'experiment'}.yaml"

    @property
    def jobs(self) -> list[PlannedJob]:
        """What it becomes."""
        return [] if self.spec is None else expand(self.spec)

    @property
    def num_steps(self) -> int | None:
        """Optimizer steps of all jobs together; None while the number of images is not known."""
        trained = [job.spec.schedule for job in self.jobs if job.spec.kind is not JobKind.EVALUATE]
        if self.report is not None:
            images = self.report.splits["train"].images
            return sum(schedule.length(images).steps for schedule in trained)
        given = [schedule.steps for schedule in trained if schedule.steps is not None]
        return sum(given) if len(given) == len(trained) else None

    def at(self, element_id: str) -> tuple[Shown, ...]:
        """The faults of one element of the page."""
        return tuple(each for each in (*self.faults, *self.missing) if each.place.id == element_id)


def check(draft: Draft, resources: Resources | None = None) -> Verdict:
    """What is to be said of a draft; with resources also of the data and weights that it names."""
    if draft.mode == "yaml":
        return _check_yaml(draft, resources)
    reading = read(draft.values)
    unread = [each.field for each in reading.faults]
    verdict, found = _check_plain(reading.plain, resources)
    found = [each for each in found if not any(_is_of(each.field, part) for part in unread)]
    if unread:
        verdict = replace(verdict, spec=None, has_unread=True)
    return with_faults(verdict, draft, [*reading.faults, *found])


def with_faults(verdict: Verdict, draft: Draft, faults: Sequence[FieldFault]) -> Verdict:
    """The verdict with these faults, what is only not filled in yet apart."""
    if draft.mode == "yaml":
        place = Place(YAML_TEXT, "")
        lines = {each.field: nearest_line(verdict.lines, each.field) for each in faults}
        shown = tuple(Shown(fault=each, place=place, line=lines[each.field]) for each in faults)
        return replace(verdict, faults=shown)
    ticked = num_ticked(draft.values)
    shown = tuple(Shown(fault=each, place=place_of(each.field, ticked)) for each in faults)
    missing = tuple(each for each in shown if each.fault.message == MISSING)
    return replace(verdict, faults=tuple(each for each in shown if each not in missing), missing=missing)


def _check_yaml(draft: Draft, resources: Resources | None) -> Verdict:
    if not draft.yaml.strip():
        absent = Shown(fault=fault("YAML", MISSING), place=Place(YAML_TEXT, ""))
        return Verdict(plain={}, missing=(absent,))
    try:
        file = experiment_from_yaml(draft.yaml)
    except SpecError as error:
        return with_faults(Verdict(plain={}, has_unread=True), draft, [fault("YAML", str(error))])
    verdict, found = _check_plain(file.content, resources)
    return with_faults(replace(verdict, lines=field_lines(file.node)), draft, found)


def _check_plain(plain: dict[str, Any], resources: Resources | None) -> tuple[Verdict, list[FieldFault]]:
    try:
        spec = ExperimentSpec.model_validate(plain)
    except ValidationError as error:
        places = ({**item, "loc": ("body", *item["loc"])} for item in error.errors()[:MAX_FAULTS])
        return Verdict(plain=plain), [from_pydantic(item) for item in places]
    verdict = Verdict(plain=plain, spec=spec)
    try:
        if resources is None:
            intake.check_text(spec)
            return verdict, []
        full = with_data(resources, spec)
        known = known_data(resources, full.dataset)
        report = intake.check_experiment(full, resources.settings, known)
        return replace(verdict, data_checked=True, report=report), []
    except ProblemError as problem:
        return verdict, list(problem.faults)


def _is_of(name: str, part: str) -> bool:
    part = "methods" if part == ROWS else part
    return name == part or name.startswith(f"{part}.")
