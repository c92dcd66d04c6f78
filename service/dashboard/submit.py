"""The page that submits: a form made of the specification's schema, or YAML, checked as one types."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import AfterValidator

from frs_core import methods
from frs_core.spec import ExperimentSpec, canonical_hash
from frs_core.spec.dataset import as_written
from service.api.access import CallerDep
from service.api.dependencies import Reading, Res, no_null
from service.api.experiments import create_experiment
from service.api.form_body import FormBody
from service.api.problems import ProblemError, fault, invalid
from service.dashboard import examples
from service.dashboard.draft import Draft, Verdict, check, with_faults
from service.dashboard.rendering import render
from service.dashboard.spec_form import layout, values
from service.dashboard.spec_form.schema import sections
from service.dashboard.spec_form.texts import experiment_from_yaml
from service.db import datasets, queries
from service.jobs.idempotency import scoped

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Source = Annotated[str | None, Query(max_length=100), AfterValidator(no_null)]


@router.get("/submit")
def show_form(
    request: Request, session: Reading, example: Source = None, clone: Source = None
) -> HTMLResponse:
    """An empty form, or one filled from an example or from an experiment that is there."""
    if example is not None and clone is not None:
        raise invalid(fault("clone", "give either `example` or `clone`", clone))
    try:
        if example is not None:
            draft = Draft(values=values.fill(experiment_from_yaml(examples.text(example)).content))
        elif clone is not None:
            draft = Draft(values=values.fill(_without_processes(queries.get_experiment(session, clone).spec)))
        else:
            return _page(request, Draft(), Verdict(plain={}), is_new=True)
    except LookupError as error:
        raise ProblemError(404, "not-found", str(error)) from error
    return _page(request, draft, check(draft))


@router.post("/submit/check")
def check_form(request: Request, resources: Res, body: FormBody, data: bool = False) -> HTMLResponse:
    """What is to be said of it as it is; with `data` also of the files that it names. Writes nothing."""
    draft = Draft.of_body(body)
    verdict = check(draft, resources if data else None)
    return render(request, "submit_verdict.html", draft=draft, verdict=verdict, is_new=False)


@router.post("/submit/edit")
def edit_otherwise(request: Request, body: FormBody, to: Literal["form", "yaml"]) -> HTMLResponse:
    """The page with the same experiment as YAML, or in the form; as it was where that cannot be done."""
    draft = Draft.of_body(body)
    verdict = check(draft)
    if to == "yaml" and not verdict.has_unread:
        draft = replace(draft, mode="yaml", yaml=verdict.yaml)
    elif to == "form" and not draft.yaml.strip():
        draft = replace(draft, mode="form", values=values.fill({}))
    elif to == "form" and verdict.spec is not None:
        draft = replace(draft, mode="form", values=values.fill(_plain(verdict.spec)))
    return _page(request, draft, check(draft), refused=draft.mode != to)


@router.post("/submit")
def submit_form(request: Request, resources: Res, caller: CallerDep, body: FormBody) -> Response:
    """Submit the experiment as the REST API does, and go to its page; the form with its faults otherwise."""
    draft = Draft.of_body(body)
    verdict = check(draft)
    if verdict.spec is None or not verdict.is_valid:
        return _page(request, draft, verdict, status_code=422)
    key = scoped(f"page-{draft.key}-{canonical_hash(verdict.spec)}", caller.key_id)
    try:
        made = create_experiment(resources, caller, verdict.spec, Response(), key)
    except ProblemError as problem:
        if problem.status != 422:
            raise
        return _page(request, draft, with_faults(verdict, draft, problem.faults), status_code=422)
    return RedirectResponse(f"/experiments/{made.id}", status_code=303)


def _page(
    request: Request,
    draft: Draft,
    verdict: Verdict,
    *,
    is_new: bool = False,
    refused: bool = False,
    status_code: int = 200,
) -> HTMLResponse:
    return render(
        request,
        "submit.html",
        status_code=status_code,
        draft=draft,
        verdict=verdict,
        is_new=is_new,
        refused=refused,
        asked=status_code == 422,
        sections=sections(),
        boxes=[(name, _about(name)) for name in values.boxes()],
        rows=values.ROWS,
        suggestions={name: known() for name, known in layout.SUGGESTIONS.items()}
        | {"registered": _registered(request)},
        text_of=values.text_of,
        examples=examples.TITLES,
    )


def _registered(request: Request) -> list[str]:
    """The versions of data sets that can be named, each data set's newest first."""
    resources = request.app.state.resources
    with resources.read() as session:
        rows = datasets.list_datasets(session)
    return [
        f"{row.name}@{version.number}" for row in rows for version in reversed(row.versions) if version.number
    ]


def _about(method: str) -> str:
    """The first line of what its file says."""
    told = sys.modules[methods.get(method).options_type.__module__].__doc__ or ""
    return told.partition("\n")[0]


def _plain(spec: ExperimentSpec) -> dict[str, Any]:
    return _without_processes(spec.model_dump(mode="json"))


def _without_processes(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Where there is one process for each GPU nobody has to say so, and a change of the GPUs is enough."""
    resources = dict(plain.get("resources") or {})
    if resources.get("processes") == max(1, resources.get("gpus", 0)):
        del resources["processes"]
    return {**plain, "resources": resources, "dataset": as_written(plain["dataset"])}
