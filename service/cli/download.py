"""`frs download`: what a job left behind."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from service.cli import words
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Artifact, Checkpoint, Client

_SUFFIXES = {"weights": "safetensors", "best": "safetensors"}


def download(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="Its id, or a unique beginning of it.")],
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILES]...", help="Names, with * for any letters. Default: all but states."),
    ] = None,
    *,
    folder: Annotated[Path | None, typer.Option("--out", help="Where to. Default: job-JOB.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch a job's files: weights, export, ONNX, model card, predictions, pictures. Hashes are checked."""
    with current(context).connect() as client:
        job = client.job(job_id)
        files = _files(client, job.id)
        chosen = _chosen(files, patterns or [])
        into = folder or Path(f"job-{words.short_id(job.id)}")
        try:
            for name in chosen:
                client.save(files[name], into / name)
        except OSError as error:
            raise CommandFailure(f"cannot write into {into}: {error.strerror}", ExitCode.USAGE) from error
    if as_json:
        print_json({"id": job.id, "folder": str(into), "files": chosen})
        return
    for name in chosen:
        out().print(f"{files[name].size_bytes:>12,}  {name}", markup=False, highlight=False)
    err().print(f"wrote {len(chosen)} files into {into}", markup=False)


def _files(client: Client, job_id: str) -> Mapping[str, Artifact | Checkpoint]:
    """By the name each gets on disk, which never leaves the folder whatever the server calls it."""
    files: dict[str, Artifact | Checkpoint] = {}
    for checkpoint in client.checkpoints(job_id):
        files[_checkpoint_name(checkpoint)] = checkpoint
    for artifact in client.artifacts(job_id):
        path = PurePosixPath(artifact.name)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise CommandFailure(f"the server names a file {artifact.name!r}: refused", ExitCode.REFUSED)
        files[str(path)] = artifact
    return files


def _checkpoint_name(checkpoint: Checkpoint) -> str:
    kind = "".join(letter for letter in checkpoint.kind if letter.isalnum())
    step = f"-{checkpoint.step:08d}" if kind == "state" else ""
    return f"{kind}{step}.{_SUFFIXES.get(kind, 'pth')}"


def _chosen(files: Mapping[str, Artifact | Checkpoint], patterns: list[str]) -> list[str]:
    if not patterns:
        return [name for name in sorted(files) if not name.startswith("state-")]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in files):
            known = ", ".join(sorted(files)) or "none"
            raise CommandFailure(f"the job has no file {pattern!r}; it has: {known}", ExitCode.REFUSED)
    return [name for name in sorted(files) if any(fnmatchcase(name, pattern) for pattern in patterns)]
