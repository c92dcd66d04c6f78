"""`frs export`: a trained detector in one folder, ready for mmdet; `frs download` has everything else too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from service.cli import words
from service.cli.arguments import AnyId
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Experiment, Job
from service.client.files import chosen

DETECTOR = ("export.pth", "export_config.py")
CARD = "model_card.md"
ONNX = ("*.onnx", "onnx.json")


def export(
    context: typer.Context,
    some_id: AnyId,
    *,
    label: Annotated[str | None, typer.Option(help="Of an experiment: the row, as frs or teacher.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of an experiment: the seed.")] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="Where to. Default: LABEL-JOB.")] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Its ONNX graphs, too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Fetch a trained detector: mmdet's checkpoint with its config, and the model card."""
    with current(context).connect() as client:
        job = _job(client.find(some_id), label, seed)
        files = job.files()
        if not set(DETECTOR) <= files.keys():
            raise CommandFailure(_missing(job), ExitCode.REFUSED)
        names = [*DETECTOR, *chosen(files, _more(tuple(files), onnx=onnx))]
        into = folder or Path(f"{_as_name(job.label)}-{words.short_id(job.id)}")
        try:
            for name in names:
                client.save(files[name], into / name)
        except OSError as error:
            raise CommandFailure(f"cannot write into {into}: {error.strerror}", ExitCode.USAGE) from error
    if as_json:
        print_json({"id": job.id, "folder": str(into), "files": names})
        return
    for name in names:
        out().print(str(into / name), markup=False, soft_wrap=True)
    err().print(
        f'Load it: init_detector("{into}/{DETECTOR[1]}", "{into}/{DETECTOR[0]}")', style="dim", markup=False
    )


def _job(found: Experiment | Job, label: str | None, seed: int | None) -> Job:
    if isinstance(found, Job):
        if label is not None or seed is not None:
            raise typer.BadParameter("--label and --seed choose a job of an experiment; this is one")
        return found
    jobs = [job for job in found.jobs if label in (None, job.label) and seed in (None, job.seed)]
    trained = [job for job in jobs if job.role in ("teacher", "student")]
    if len(trained) != 1:
        known = ", ".join(words.job_title(job) for job in found.jobs)
        raise typer.BadParameter(f"{len(trained)} jobs are meant: give --label and --seed of one of: {known}")
    return trained[0]


def _missing(job: Job) -> str:
    if job.state == "succeeded":
        return f"{words.job_title(job)} left no detector: a job of kind {job.kind} trains none"
    return f"{words.job_title(job)} is {job.state} and has no detector yet: frs wait {job.id}"


def _more(names: Sequence[str], *, onnx: bool) -> list[str]:
    wanted = [CARD, *(ONNX if onnx else ())]
    if onnx and not any(name.endswith(".onnx") for name in names):
        raise CommandFailure("the job has no ONNX file; its model card says why", ExitCode.REFUSED)
    return [name for name in wanted if "*" in name or name in names]


def _as_name(label: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in label)
