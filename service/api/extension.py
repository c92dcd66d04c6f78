"""Adds methods and seeds to an experiment that is there, without training anything anew."""

from typing import Any

from fastapi import APIRouter, Depends, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.spec import ExperimentSpec, canonical_hash
from service.api import intake
from service.api.bodies import JsonRoute
from service.api.dependencies import Res, Resources, json_only
from service.api.experiment_views import ExperimentDetail
from service.api.experiments import experiment_detail
from service.api.problems import ProblemError, fault, invalid
from service.api.submission import IdempotencyHeader, is_known
from service.api.submitted_data import known_data
from service.db import queries
from service.db.models import Experiment
from service.db.outside import outside_labels
from service.db.types import new_id
from service.jobs.extend import ChangedDataError, extend_experiment
from service.jobs.idempotency import claim_key
from service.records.write import IMPORTED

router = APIRouter(prefix="/experiments", route_class=JsonRoute, tags=["control"])


class Extension(BaseModel):
    """What is added: methods as an experiment names them, seeds, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    methods: tuple[str | dict[str, Any], ...] = Field(default=(), max_length=100)
    seeds: tuple[int, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _adds_something(self) -> "Extension":
        if not self.methods and not self.seeds:
            raise ValueError("give `methods`, `seeds`, or both")
        return self


@router.post(
    "/{experiment_id}/extend",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses={200: {"model": ExperimentDetail}},
)
def extend(
    resources: Res, experiment_id: str, body: Extension, response: Response, key: IdempotencyHeader = None
) -> ExperimentDetail:
    """Queue the jobs of further methods and seeds; what is there is not trained again.

    A repeat with the same `Idempotency-Key` and body answers 200 and adds nothing. 409 where the data set has
    changed, or the experiment was imported: then there are no weights to learn from.
    """
    with resources.read() as session:
        experiment = queries.get_experiment(session, experiment_id)
        _refuse_imported(session, experiment)
        full_id, plain = experiment.id, experiment.spec
        taken = outside_labels(session, full_id)
    found = None if key is not None and is_known(resources, key) else _checked(resources, plain, body, taken)
    with resources.write.begin() as session:
        if _is_replayed(session, full_id, body, key) or found is None:
            response.status_code = 200
            response.headers["Idempotency-Replayed"] = "true"
        else:
            _write(session, full_id, plain, found, max_attempts=resources.settings.max_attempts)
    with resources.read() as session:
        return experiment_detail(session, queries.get_experiment(session, full_id))


def _refuse_imported(session: Session, experiment: Experiment) -> None:
    if queries.experiment_event(session, experiment.id, IMPORTED) is not None:
        message = f"{experiment.name} was imported: its weights are not here to learn from. Clone it instead"
        raise ProblemError(409, "imported", message)


def _checked(
    resources: Resources, plain: dict[str, Any], body: Extension, taken: set[str]
) -> tuple[ExperimentSpec, DatasetReport | None]:
    """The experiment with what is added, and what its data set holds now. Raises as a submission does."""
    there = [fault(f"seeds.{index}", "is there already", seed) for index, seed in enumerate(body.seeds)]
    if known := [each for each in there if each.value in plain["seeds"]]:
        raise invalid(*known)
    num_methods, num_seeds = len(plain["methods"]), len(plain["seeds"])
    added = {"methods": [*plain["methods"], *body.methods], "seeds": [*plain["seeds"], *body.seeds]}
    try:
        spec = ExperimentSpec.model_validate({**plain, **added})
    except ValidationError as error:
        firsts = {"methods": num_methods, "seeds": num_seeds}
        raise RequestValidationError(
            [{**item, "loc": ("body", *_place(item["loc"], firsts))} for item in error.errors()]
        ) from error
    for index, method in enumerate(spec.methods[num_methods:]):
        if method.display_label in taken:
            message = "a row from outside is called so: give another `label`, or remove that row first"
            raise invalid(fault(f"methods.{index}.label", message, method.display_label))
    data = known_data(resources, spec.dataset)
    return spec, intake.check_experiment(spec, resources.settings, data)


def _place(loc: tuple[int | str, ...], firsts: dict[str, int]) -> tuple[int | str, ...]:
    """Where something stands in the request, from its place in the whole experiment."""
    match loc:
        case (str(name), int(index), *rest) if name in firsts:
            return (name, index - firsts[name], *rest)
    return loc


def _is_replayed(session: Session, experiment_id: str, body: Extension, key: str | None) -> bool:
    if key is None:
        return False
    new = new_id()
    request_hash = canonical_hash({"experiment": experiment_id, "body": body.model_dump_json()})
    return claim_key(session, (key, request_hash), "extension", new) != new


def _write(
    session: Session,
    experiment_id: str,
    before: dict[str, Any],
    found: tuple[ExperimentSpec, DatasetReport | None],
    *,
    max_attempts: int,
) -> None:
    spec, report = found
    locked = session.get_one(Experiment, experiment_id, with_for_update=True)
    if locked.spec != before:
        raise ProblemError(409, "changed", f"{locked.name} was extended by another request: look, and repeat")
    taken = outside_labels(session, experiment_id) & {method.display_label for method in spec.methods}
    if taken:
        raise ProblemError(409, "changed", f"a row from outside is called {min(taken)!r}: give another label")
    try:
        extend_experiment(
            session,
            experiment_id,
            spec,
            dataset_report=report,
            max_attempts=max_attempts,
        )
    except ChangedDataError as error:
        raise ProblemError(409, "data-changed", str(error)) from error
