"""`frs download`: what a job left behind."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli import words
from service.cli.arguments import JobId
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client.files import chosen


def download(
    context: typer.Context,
    job_id: JobId,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILES]...",
            help="Names, with * for any letters, or export, weights, best. Default: all but states.",
        ),
    ] = None,
    *,
    folder: Annotated[Path | None, typer.Option("--out", help="Where to. Default: job-JOB.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch a job's files: weights, export, ONNX, model card, predictions, pictures. Hashes are checked."""
    with current(context).connect() as client:
        job = client.find_job(job_id)
        files = job.files()
        names = chosen(files, patterns or [])
        into = folder or Path(f"job-{words.short_id(job.id)}")
        try:
            for name in names:
                client.save(files[name], into / name)
        except OSError as error:
            raise CommandFailure(f"cannot write into {into}: {error.strerror}", ExitCode.USAGE) from error
    if as_json:
        print_json({"id": job.id, "folder": str(into), "files": names})
        return
    for name in names:
        out().print(f"{files[name].size_bytes:>12,}  {name}", markup=False, highlight=False)
    err().print(f"wrote {len(names)} files into {into}", markup=False)
