"""How a command is told which experiment or job: the same words everywhere, completed by the shell."""

from typing import Annotated

import typer

from service.cli.completion import complete_any, complete_experiment, complete_job

_HOW = "its id, a unique beginning of it, its name, @latest, or @latest:STATE."

ExperimentId = Annotated[
    str, typer.Argument(metavar="ID", help=f"An experiment: {_HOW}", autocompletion=complete_experiment)
]
JobId = Annotated[str, typer.Argument(metavar="JOB", help=f"A job: {_HOW}", autocompletion=complete_job)]
AnyId = Annotated[
    str, typer.Argument(metavar="ID", help=f"An experiment or a job: {_HOW}", autocompletion=complete_any)
]
MaybeId = Annotated[
    str | None, typer.Argument(metavar="[ID]", help=f"As for the others: {_HOW}", autocompletion=complete_any)
]
AnyIds = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help=f"Experiments or jobs: {_HOW}", autocompletion=complete_any),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", min=0, metavar="SECONDS", help="Wait no longer; then exit with 5."),
]
