"""`frs import-checkpoint`: weights that were made elsewhere, to be named by an id from then on."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli import words
from service.cli.ending import detached_job
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.predict import wait_for
from service.cli.session import JsonFlag, current, err, print_json
from service.client import Client, Job


def import_checkpoint(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Argument(metavar="[FILE|URL]", help="A file of this machine, or an https address.")
    ] = None,
    *,
    server_path: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="A file of the server, below one of its FRS_IMPORT_ROOTS."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What lists call the import.")] = None,
    sha256: Annotated[str | None, typer.Option(help="What the file's SHA-256 must be.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the worker to take it in.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Take a checkpoint in as tensors alone; prints the id that `teacher.checkpoint` and others accept."""
    if (source is None) == (server_path is None):
        raise typer.BadParameter("give a FILE, a URL or --server-path PATH: one of them")
    with current(context).connect() as client:
        job = _submit(client, source, server_path, name, sha256)
        if wait:
            with detached_job(job.id):
                job = wait_for(client, job, err())
        weights = [item for item in client.checkpoints(job.id) if item.kind == "weights"] if wait else []
    stored = weights[0].id if weights else None
    if as_json:
        print_json({**job.model_dump(mode="json"), "checkpoint": stored})
    elif stored is not None:
        typer.echo(stored)
    else:
        typer.echo(job.id)
    if wait and job.state != "succeeded":
        raise CommandFailure(f"{job.name} {job.state}: {words.reason(job)}", ExitCode.FAILED)
    if not wait:
        err().print(f"queued; its weights will be a checkpoint of job {words.short_id(job.id)}", markup=False)


def _submit(
    client: Client, source: str | None, server_path: str | None, name: str | None, sha256: str | None
) -> Job:
    if source is None:
        return client.import_checkpoint(server_path=server_path, name=name, sha256=sha256)
    if "://" in source:
        return client.import_checkpoint(url=source, name=name, sha256=sha256)
    try:
        return client.import_checkpoint(Path(source), name=name, sha256=sha256)
    except OSError as error:
        raise CommandFailure(f"cannot read {source}: {error.strerror}", ExitCode.USAGE) from error
