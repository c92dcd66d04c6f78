"""`frs record` and `frs import`: what an experiment found, as a folder of small files, and back."""

import gzip
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from service.cli import words
from service.cli.arguments import ExperimentId
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Client

EXPERIMENT, JOB, METRICS = "experiment.json", "job.json", "metrics.json.gz"
MAX_FILE_BYTES = 200_000_000
Plain = Mapping[str, Any]


def record(
    context: typer.Context,
    experiment_id: ExperimentId,
    *,
    folder: Annotated[Path, typer.Option("--out", help="The folder; what it holds already is kept.")],
    as_json: JsonFlag = False,
) -> None:
    """Write what an experiment's ended jobs recorded: specs, metrics, predictions, hashes."""
    with current(context).connect() as client:
        recorded = client.record(client.find_experiment(experiment_id).id)
        try:
            new = list(_write(client, recorded, folder))
        except OSError as error:
            raise CommandFailure(f"cannot write into {folder}: {error.strerror}", ExitCode.USAGE) from error
    if as_json:
        print_json({"id": recorded["experiment"]["id"], "folder": str(folder), "written": new})
        return
    err().print(f"{len(recorded['jobs'])} jobs recorded in {folder}, {len(new)} files new", markup=False)


def import_record(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `frs record` wrote.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Take in a recorded experiment, to look at and compare. The same record is taken in once."""
    recorded, files = _read(folder)
    with current(context).connect() as client:
        experiment = client.import_record(recorded, files)
    if as_json:
        print_json({"id": experiment.id, "state": experiment.state})
        return
    out().print(f"{words.short_id(experiment.id)}  {experiment.name}  {experiment.state}", markup=False)


def _write(client: Client, recorded: Plain, folder: Path) -> Iterator[str]:
    """Gives the names of the files that were not there before, or were others."""
    yield from _put(folder / EXPERIMENT, _text(recorded["experiment"]), folder)
    for job in recorded["jobs"]:
        own = folder / _folder_of(job)
        artifacts = {each.name: each for each in client.artifacts(job["id"])} if job["files"] else {}
        for file in job["files"]:
            path = own / f"{PurePosixPath(file['name']).name}.gz"
            if not path.exists() or sha256(_content(path)).hexdigest() != file["sha256"]:
                yield from _put(path, _packed(client.content(artifacts[file["name"]])), folder)
        yield from _put(own / METRICS, _packed(_text(job["metrics"])), folder)
        yield from _put(own / JOB, _text({key: job[key] for key in job if key != "metrics"}), folder)


def _folder_of(job: Plain) -> str:
    """A name that says what the job was and sorts as the experiment does."""
    name = "".join(letter if letter.isalnum() or letter in "._=" else "-" for letter in job["spec"]["name"])
    return f"{job['position']:03d}-{name}"[:100].rstrip("-.")


def _read(folder: Path) -> tuple[Plain, list[bytes]]:
    """The record, and the bytes of its files. Raises CommandFailure naming the file that is amiss."""
    jobs, files = [], []
    for path in sorted(folder.glob(f"*/{JOB}")):
        job = {**_json(path), "metrics": _json(path.with_name(METRICS))}
        jobs.append(job)
        files += [_kept(path, file) for file in job.get("files", ())]
    return {"experiment": _json(folder / EXPERIMENT), "jobs": jobs}, files


def _kept(job: Path, file: Plain) -> bytes:
    path = job.with_name(f"{PurePosixPath(str(file.get('name'))).name}.gz")
    content = _content(path)
    if sha256(content).hexdigest() != file.get("sha256"):
        message = f"{path} was changed since: its SHA-256 is not the one in {JOB}"
        raise CommandFailure(message, ExitCode.USAGE)
    return content


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_content(path))
    except ValueError as error:
        raise CommandFailure(f"{path} is not JSON: {error}", ExitCode.USAGE) from error
    if not isinstance(found, dict):
        raise CommandFailure(f"{path} holds no JSON object: it is no part of a record", ExitCode.USAGE)
    return found


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked where its name ends in .gz."""
    try:
        if path.suffix != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError) as error:
        raise CommandFailure(f"cannot read {path}: {error}", ExitCode.USAGE) from error
    if len(content) > MAX_FILE_BYTES:
        raise CommandFailure(f"{path} unpacks to more than {MAX_FILE_BYTES} bytes", ExitCode.USAGE)
    return content


def _text(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def _packed(content: bytes) -> bytes:
    """The same bytes each time: gzip would note the time."""
    return gzip.compress(content, mtime=0)


def _put(path: Path, content: bytes, folder: Path) -> Iterator[str]:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
    yield str(path.relative_to(folder))
