"""`frs cancel`, `pause`, `resume`, `priority` and `clone`: what becomes of jobs, by job or by experiment."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
import yaml

from service.cli import words
from service.cli.arguments import AnyId
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Client, Experiment, Job
from service.client.jobs import Verb

_ASKED = {"cancel": "cancelling", "pause": "pausing"}


def cancel(context: typer.Context, some_id: AnyId, as_json: JsonFlag = False) -> None:
    """Cancel a job, or every unfinished job of an experiment. A running job saves its state first."""
    _act(context, some_id, "cancel", as_json=as_json)


def pause(context: typer.Context, some_id: AnyId, as_json: JsonFlag = False) -> None:
    """Pause a job, or every job of an experiment that waits or runs. A running job saves its state first."""
    _act(context, some_id, "pause", as_json=as_json)


def resume(context: typer.Context, some_id: AnyId, as_json: JsonFlag = False) -> None:
    """Let a paused or failed job, or all of an experiment, go on. What is done is not done again."""
    _act(context, some_id, "resume", as_json=as_json)


def priority(
    context: typer.Context,
    some_id: AnyId,
    value: Annotated[
        int, typer.Argument(min=-1000, max=1000, help="Each step counts as an hour of waiting.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Change the place in the queue of a job, or of every unfinished job of an experiment."""
    with current(context).connect() as client:
        found = client.find(some_id)
        if isinstance(found, Job):
            jobs: Sequence[Job] = [client.prioritise_job(found.id, value)]
        else:
            jobs = client.prioritise_experiment(found.id, value).jobs
    _show(jobs, None, as_json=as_json)


def clone(
    context: typer.Context,
    some_id: AnyId,
    *,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="For instance schedule.epochs=24; repeat for more."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Submit a job or an experiment anew, with changes. Lists are replaced as a whole: seeds='[0, 1]'."""
    patch = _patch(changes or [])
    with current(context).connect() as client:
        made = _clone(client, client.find(some_id), patch)
    if as_json:
        print_json(made)
        return
    out().print(f"{made.id}  {made.name}  {made.state}", markup=False)
    if isinstance(made, Experiment):
        err().print(f"Follow: frs show {words.short_id(made.id)} --follow", style="dim")


def _act(context: typer.Context, some_id: str, verb: Verb, *, as_json: bool) -> None:
    with current(context).connect() as client:
        found = client.find(some_id)
        if isinstance(found, Job):
            jobs: Sequence[Job] = [client.control_job(found.id, verb)]
        else:
            jobs = client.control_experiment(found.id, verb).jobs
    _show(jobs, verb, as_json=as_json)


def _show(jobs: Sequence[Job], verb: Verb | None, *, as_json: bool) -> None:
    if as_json:
        print_json([job.model_dump(mode="json") for job in jobs])
        return
    for job in jobs:
        state = _ASKED.get(verb or "", job.state) if job.state == "running" else job.state
        out().print(words.job_title(job), words.state_text(state), sep="  ", markup=False)


def _clone(client: Client, found: Experiment | Job, patch: dict[str, Any]) -> Experiment | Job:
    if isinstance(found, Job):
        return client.clone_job(found.id, patch)
    return client.clone_experiment(found.id, patch)


def _patch(changes: Sequence[str]) -> dict[str, Any]:
    """`a.b=1` as {"a": {"b": 1}}; values are YAML, null removes the key."""
    patch: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        keys = path.split(".")
        if not equals or not all(keys):
            raise typer.BadParameter(f"--set {change}: give KEY=VALUE, for instance schedule.epochs=24")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise typer.BadParameter(f"--set {change}: the value is no YAML") from error
        place = patch
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise typer.BadParameter(f"--set {change}: {key} was set to a value before")
        place[keys[-1]] = value
    return patch
