"""`frs extend`: adds methods and seeds to an experiment that is there."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from service.cli import words
from service.cli.arguments import ExperimentId
from service.cli.session import JsonFlag, current, err, out, print_json


def extend(
    context: typer.Context,
    experiment_id: ExperimentId,
    *,
    methods: Annotated[
        list[str] | None, typer.Option("--method", metavar="NAME", help="A method as it is; repeat for more.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", min=0, metavar="SEED", help="Repeat for more.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="YAML with `methods` that have options, or `seeds`."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add methods, seeds or both to an experiment. What is there is not trained again."""
    given = _read(file) if file is not None else {}
    added = {
        "methods": [*given.get("methods", []), *(methods or [])],
        "seeds": [*given.get("seeds", []), *(seeds or [])],
    }
    if not any(added.values()):
        raise typer.BadParameter("give --method, --seed or --file")
    with current(context).connect() as client:
        before = client.find_experiment(experiment_id)
        experiment = client.extend_experiment(before.id, added)
    if as_json:
        print_json(experiment)
        return
    known = {job.id for job in before.jobs}
    for job in experiment.jobs:
        if job.id not in known:
            out().print(words.job_title(job), words.state_text(job.state), sep="  ", markup=False)
    err().print(f"Follow: frs show {words.short_id(experiment.id)} --follow", style="dim")


def _read(file: Path) -> dict[str, Any]:
    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} is no YAML: {error}") from error
    lists = isinstance(given, dict) and all(isinstance(each, list) for each in given.values())
    if not lists or set(given) - {"methods", "seeds"}:
        raise typer.BadParameter(f"{file}: give the lists `methods` and `seeds`, and nothing else")
    return dict(given)
