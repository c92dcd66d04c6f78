"""`frs datasets`: the data sets that a server knows, so that jobs name a version and not a folder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Client, Dataset, DatasetVersion

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the data set is called.")]
FormatOption = Annotated[str, typer.Option("--format", help="voc, coco or yolo.")]
SplitOption = Annotated[str, typer.Option(help="As in `dataset` of an experiment.")]
TestOption = Annotated[str | None, typer.Option(help="The test split. Default: none.")]
OptionsOption = Annotated[str, typer.Option(metavar="JSON", help='Of the format: {"images": "images"}.')]
WaitFlag = Annotated[bool, typer.Option("--wait", help="Wait until it has been checked.")]
_STYLES = {"ready": "green", "failed": "bold red", "checking": "bold blue", "registered": "cyan"}

app = typer.Typer(no_args_is_help=True, help="Register data sets, send them, and see what is in them.")


@app.command("list")
def list_datasets(
    context: typer.Context,
    archived: Annotated[bool, typer.Option("--archived", help="The archived ones.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the data sets with their newest versions."""
    with current(context).connect() as client:
        found = client.datasets(archived=archived)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    elif found:
        out().print(_table(found))
    else:
        err().print("No data set is registered. Add one: frs datasets register, or frs datasets upload")


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="By default the newest version.")],
    as_json: JsonFlag = False,
) -> None:
    """Show a version: its faults and what is in it."""
    with current(context).connect() as client:
        version = _version(client, name)
    _finish(version, as_json=as_json, waited=False)


@app.command()
def register(
    context: typer.Context,
    name: NameArgument,
    root: Annotated[Path, typer.Argument(help="The folder, which the server's machines see, too.")],
    *,
    dataset_format: FormatOption,
    train: SplitOption = "train",
    val: SplitOption = "val",
    test: TestOption = None,
    options: OptionsOption = "{}",
    wait: WaitFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Register a folder. The same content stays the version it is; new content is the next one."""
    # a folder of another machine need not be here: it is only made absolute
    body = _dataset(dataset_format, train, val, test, options) | {"root": str(root.expanduser().absolute())}
    with current(context).connect() as client:
        version = client.register_dataset(name, body)
        if wait:
            version = client.wait_for_dataset(version)
    _finish(version, as_json=as_json, waited=wait)


@app.command()
def upload(
    context: typer.Context,
    name: NameArgument,
    archive: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A zip, tar or tar.gz of the folder.")
    ],
    *,
    dataset_format: FormatOption,
    train: SplitOption = "train",
    val: SplitOption = "val",
    test: TestOption = None,
    options: OptionsOption = "{}",
    wait: WaitFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Send a data set as an archive."""
    body = _dataset(dataset_format, train, val, test, options)
    columns = (TextColumn("sending"), BarColumn(), DownloadColumn())
    with (
        current(context).connect() as client,
        Progress(*columns, console=err(), transient=True, disable=not err().is_terminal) as progress,
    ):
        task = progress.add_task("sending", total=archive.stat().st_size)
        version = client.upload_dataset(name, archive, body, watch=lambda sent: progress.advance(task, sent))
        if wait:
            version = client.wait_for_dataset(version)
    _finish(version, as_json=as_json, waited=wait)


@app.command()
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="By default with all its versions.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a data set, or one version, that no job reads. A registered folder stays as it is."""
    plain, _, version = name.partition("@")
    if not yes:
        typer.confirm(f"Delete {name} for good?", abort=True, err=True)
    with current(context).connect() as client:
        client.delete_dataset(plain, version or None)
    err().print(f"{name} was deleted", markup=False)


def _dataset(dataset_format: str, train: str, val: str, test: str | None, options: str) -> dict[str, Any]:
    try:
        read = json.loads(options)
    except ValueError as error:
        raise typer.BadParameter(f"--options is not JSON: {error}") from error
    body = {"format": dataset_format, "train": train, "val": val, "options": read}
    return body if test is None else {**body, "test": test}


def _version(client: Client, name: str) -> DatasetVersion:
    plain, _, number = name.partition("@")
    if number:
        return client.dataset_version(plain, number)
    found = client.dataset(plain)
    version = found.newest or next(iter(found.versions), None)
    if version is None:
        raise CommandFailure(f"{plain} has no version: all were deleted", ExitCode.FAILED)
    return version


def _finish(version: DatasetVersion, *, as_json: bool, waited: bool) -> None:
    if as_json:
        print_json(version)
    else:
        _print(version)
    if waited and version.state == "failed":
        raise CommandFailure(f"{version.dataset} cannot be used: {_why(version)}", ExitCode.FAILED)


def _why(version: DatasetVersion) -> str:
    errors = [f"{fault.field}: {fault.message}" for fault in version.faults if fault.severity == "error"]
    return version.reason or "; ".join(errors) or "see frs datasets show"


def _print(version: DatasetVersion) -> None:
    console = out()
    title = version.reference or f"{version.dataset} ({words.short_id(version.id)})"
    console.print(title, _state(version.state), version.format, version.root or "an archive", sep="  ")
    if version.reason:
        console.print(version.reason, markup=False)
    for fault in version.faults:
        examples = f" ({'; '.join(fault.examples)})" if fault.examples else ""
        console.print(f"{fault.severity}: {fault.field}: {fault.message}{examples}", markup=False)
    if version.statistics is not None:
        console.print(_numbers(version.statistics["splits"]))


def _state(state: str) -> Text:
    return Text(state, style=_STYLES.get(state, ""))


def _states(shown: DatasetVersion, last: DatasetVersion) -> Text:
    """Of the version that is shown, and of what came after it and has no number."""
    state = _state(shown.state)
    if last.id != shown.id:
        state.append(", then ", style="dim").append_text(_state(last.state))
    return state


def _numbers(splits: dict[str, Any]) -> Table:
    table = _plain_table("split", "images", "empty", "boxes", "small", "medium", "large", "classes")
    for name, found in splits.items():
        classes = ", ".join(f"{label} {count}" for label, count in found["per_class"].items())
        sizes = (str(found["sizes"][size]) for size in ("small", "medium", "large"))
        table.add_row(
            name,
            str(found["images"]),
            str(found["images_without_boxes"]),
            str(found["boxes"]),
            *sizes,
            Text(classes),
        )
    return table


def _table(found: Sequence[Dataset]) -> Table:
    table = _plain_table("name", "state", "format", "images", "classes", "versions", "jobs", "from")
    for each in found:
        version = each.newest or next(iter(each.versions), None)
        if version is None:
            continue
        table.add_row(
            Text(version.reference or each.name),
            _states(version, each.versions[0]),
            version.format,
            str(sum(version.images.values())),
            str(len(version.classes)),
            str(sum(other.number is not None for other in each.versions)),
            str(sum(other.num_jobs for other in each.versions)),
            Text(version.root or "an archive", overflow="fold"),
        )
    return table


def _plain_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
