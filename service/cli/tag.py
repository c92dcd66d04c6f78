"""`frs tag`: words that experiments are found by."""

from typing import Annotated

import typer

from service.cli.arguments import ExperimentId
from service.cli.session import JsonFlag, current, out, print_json
from service.client import Experiment

Tags = Annotated[list[str], typer.Argument(metavar="TAG...", help="One or more.")]

app = typer.Typer(no_args_is_help=True, help="Add tags to an experiment, or take them away.")


@app.command()
def add(context: typer.Context, experiment_id: ExperimentId, tags: Tags, as_json: JsonFlag = False) -> None:
    """Add tags; those that are there stay."""
    with current(context).connect() as client:
        _show(client.find_experiment(experiment_id).tag(*tags), as_json=as_json)


@app.command()
def remove(
    context: typer.Context, experiment_id: ExperimentId, tags: Tags, as_json: JsonFlag = False
) -> None:
    """Take tags away; one that is not there is no error."""
    with current(context).connect() as client:
        _show(client.find_experiment(experiment_id).untag(*tags), as_json=as_json)


def _show(experiment: Experiment, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": experiment.id, "tags": list(experiment.tags)})
    else:
        out().print(", ".join(experiment.tags) or "no tags", markup=False)
