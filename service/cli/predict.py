"""`frs predict`: boxes in the user's own pictures."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.arguments import JobId
from service.cli.ending import detached_job
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.follow import watched_job
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Client, Job

PREDICTIONS = "predictions.json"
DRAWN = "drawn"
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm")
"""Of the files in a folder; a file named itself may be called anything."""


def predict(
    context: typer.Context,
    job_id: JobId,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Pictures, or folders of them.")],
    *,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results. Default: predictions-JOB.")
    ] = None,
    score: Annotated[float, typer.Option(min=0, max=1, help="Leave boxes below this score out.")] = 0.3,
    runtime: Annotated[
        Literal["torch", "onnx"], typer.Option(help="What runs the detector; onnx takes the job's ONNX file.")
    ] = "torch",
    as_json: JsonFlag = False,
) -> None:
    """Find boxes in pictures with what a job has trained; they are sent to the server.

    Leaves predictions.json (COCO) and the pictures with their boxes drawn in the folder.
    """
    pictures = [(path.name, _read(path)) for path in _pictures(images)]
    with current(context).connect() as client:
        job = client.predict(
            client.find_job(job_id).id, pictures, score_threshold=str(score), runtime=runtime
        )
        with detached_job(job.id):
            job = wait_for(client, job, err())
        if job.state != "succeeded":
            raise CommandFailure(f"the prediction {job.state}: {words.reason(job)}", ExitCode.FAILED)
        into = folder or Path(f"predictions-{words.short_id(job.id)}")
        document = _fetch(client, job, into)
    if as_json:
        print_json({"id": job.id, "state": job.state, "folder": str(into), "predictions": document})
        return
    out().print(_table(document))
    err().print(
        f"wrote {into}/{PREDICTIONS} and {len(document['images'])} pictures in {into}/{DRAWN}", markup=False
    )


def wait_for(client: Client, job: Job, console: Console) -> Job:
    """The job once it has ended; says once that it waits for a worker."""
    told = ""
    last = job
    for last, note in watched_job(client, job.id):
        text = note or ("waiting for a free worker" if last.state == "queued" else "")
        if text and text != told:
            console.print(text, style="dim", markup=False)
        told = text or told
    return last


def _pictures(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in SUFFIXES)
        if not found:
            raise typer.BadParameter(f"the folder {path} holds no pictures ({', '.join(SUFFIXES)})")
        yield from found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"cannot read {path}: {error.strerror}") from error


def _fetch(client: Client, job: Job, folder: Path) -> dict[str, Any]:
    """Write the job's results under the folder, whatever the server calls them; gives the COCO document."""
    document: dict[str, Any] = {}
    try:
        (folder / DRAWN).mkdir(parents=True, exist_ok=True)
        for artifact in client.artifacts(job.id):
            place, _, name = artifact.name.rpartition("/")
            if artifact.name == PREDICTIONS:
                content = client.content(artifact)
                document = json.loads(content)
                (folder / PREDICTIONS).write_bytes(content)
            elif place == DRAWN:
                (folder / DRAWN / PurePosixPath(name).name).write_bytes(client.content(artifact))
    except OSError as error:
        raise CommandFailure(f"cannot write into {folder}: {error.strerror}", ExitCode.USAGE) from error
    if not document:
        raise CommandFailure(f"job {job.id} left no {PREDICTIONS}", ExitCode.FAILED)
    return document


def _table(document: Mapping[str, Any]) -> Table:
    """Boxes a picture, by class."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("picture", no_wrap=True, overflow="ellipsis")
    table.add_column("boxes", justify="right")
    names = {item["id"]: item["name"] for item in document["categories"]}
    for name in names.values():
        table.add_column(str(name), justify="right")
    counts = Counter((item["image_id"], item["category_id"]) for item in document["annotations"])
    for image in document["images"]:
        per_class = [counts[image["id"], category] for category in names]
        shown = [str(count) if count else words.NOTHING for count in per_class]
        table.add_row(Text(str(image["file_name"])), str(sum(per_class)), *shown)
    return table
