"""`frs external` and `frs cite`: rows of a comparison that were made, or measured, elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from frs_core.errors import SpecError
from frs_core.yaml_file import read_yaml
from service.cli import words
from service.cli.arguments import ExperimentId
from service.cli.ending import detached_job
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.predict import wait_for
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Client, Job

LabelOption = Annotated[str, typer.Option(help="What the comparison calls the row.")]
RemoveFlag = Annotated[bool, typer.Option("--remove", help="Take the row of that label away.")]


def external(
    context: typer.Context,
    experiment_id: ExperimentId,
    *,
    label: LabelOption,
    predictions: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="COCO results: image_id, category_id, bbox, score."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="Where the predictions are from.")] = None,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="REF", help="A path, a stored id, an https address, or zoo.")
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="YAML of its detector. Default: the student's."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has been judged.")] = False,
    remove: RemoveFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Judge predictions or a checkpoint from elsewhere as a marked row of a comparison."""
    given = {"--predictions": predictions, "--checkpoint": checkpoint, "--remove": remove or None}
    if sum(value is not None for value in given.values()) != 1:
        raise typer.BadParameter(f"give one of {', '.join(given)}")
    if (note is not None and predictions is None) or (detector is not None and checkpoint is None):
        raise typer.BadParameter("--note belongs to --predictions, and --detector to --checkpoint")
    with current(context).connect() as client:
        experiment_id = client.find_experiment(experiment_id).id
        if remove:
            client.remove_external(experiment_id, label)
            _told({"label": label, "removed": True}, f"{label} was removed", as_json=as_json)
            return
        if predictions is not None:
            job = client.score_predictions(experiment_id, label, _read(predictions), note=note)
        else:
            job = _evaluate(client, experiment_id, label, str(checkpoint), detector)
        if wait:
            with detached_job(job.id):
                job = wait_for(client, job, err())
    _finish(job, waited=wait, as_json=as_json)


def cite(
    context: typer.Context,
    experiment_id: ExperimentId,
    *,
    label: LabelOption,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME=FRACTION", help="For instance ap=0.397; repeat for more."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="The text of the citation.")] = None,
    url: Annotated[str | None, typer.Option(help="Where it can be read.")] = None,
    remove: RemoveFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Show published numbers as a row that is marked as cited and compared with nothing."""
    if remove and (metrics or source or url):
        raise typer.BadParameter("--remove takes a --label and nothing else")
    if not remove and not (metrics and source):
        raise typer.BadParameter("give --metric ap=0.397 and --source TEXT, or --remove")
    row = {"label": label, "metrics": _metrics(metrics or ()), "source": source}
    with current(context).connect() as client:
        experiment_id = client.find_experiment(experiment_id).id
        if remove:
            client.uncite(experiment_id, label)
        else:
            client.cite(experiment_id, row if url is None else {**row, "url": url})
    what = "is cited no more" if remove else "is cited"
    _told({"label": label, "removed": True} if remove else row, f"{label} {what}", as_json=as_json)


def _evaluate(client: Client, experiment_id: str, label: str, checkpoint: str, detector: Path | None) -> Job:
    """A path starts at the folder that the command is given in."""
    reference = str(Path(checkpoint).resolve()) if Path(checkpoint).is_file() else checkpoint
    try:
        content = None if detector is None else read_yaml(detector, "detector").content
    except SpecError as error:
        raise CommandFailure(str(error), ExitCode.USAGE) from error
    return client.evaluate_checkpoint(experiment_id, label, reference, detector=content)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandFailure(f"cannot read {path}: {error.strerror}", ExitCode.USAGE) from error


def _metrics(given: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in given:
        name, _, text = item.partition("=")
        try:
            found[name] = float(text)
        except ValueError as error:
            raise typer.BadParameter(f"--metric {item}: give NAME=FRACTION, for instance ap=0.397") from error
    return found


def _finish(job: Job, *, waited: bool, as_json: bool) -> None:
    if as_json:
        print_json(job)
    else:
        out().print(
            words.job_title(job), words.short_id(job.id), words.state_text(job.state), sep="  ", markup=False
        )
    if waited and job.state != "succeeded":
        raise CommandFailure(f"{job.label} {job.state}: {words.reason(job)}", ExitCode.FAILED)


def _told(answer: dict[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out().print(line, markup=False)
