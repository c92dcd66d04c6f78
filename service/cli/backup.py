"""`frs backup` and `frs restore`: they work on the database and the artifact store, not through a server.

The server's packages are imported inside the commands only: all others work without them.
"""

from pathlib import Path
from typing import Annotated

import typer

from service.cli import words
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.machine import DataDirOption, machine_settings, say
from service.cli.session import JsonFlag, err, out, print_json

MAX_SHOWN = 20


def backup(
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="The file to write, or a folder for it.")],
    *,
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="Put the stored files in it, too; else only their hashes.")
    ] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Write nothing: check the backup FILE.")] = False,
    data_dir: DataDirOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the whole database, and a list of the files it names, to one file. The system may run meanwhile.

    The file holds what the database holds: of API keys only hashes, but all names and specifications.
    """
    settings = machine_settings(data_dir=data_dir)
    from service.operate.archive import BackupError
    from service.operate.backup import back_up
    from service.operate.backup import verify as check

    try:
        if verify:
            written, manifest = path, check(path)
        else:
            written, manifest = back_up(settings, path, with_contents=artifacts, say=say)
    except BackupError as error:
        raise CommandFailure(str(error), ExitCode.FAILED) from error
    num_rows = sum(part.num_lines for part in manifest.tables.values())
    if as_json:
        print_json(
            {"file": str(written), "rows": num_rows, **manifest.model_dump(exclude={"tables", "files"})}
        )
    else:
        kept = "with their contents" if manifest.has_contents else "by name and hash"
        files = f"{manifest.files.num_lines} files ({words.size(manifest.num_bytes)}) {kept}"
        out().print(f"{written}: {num_rows} rows at schema {manifest.schema_revision}, {files}", markup=False)
    if not verify:
        _fail_for(manifest.missing, "the store does not have, or not as recorded:")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Of files in the store compare sizes only, not hashes.")
    ] = False,
    take_store: Annotated[
        bool,
        typer.Option(
            "--take-store", help="The original is gone: remove from its store what no row here names."
        ),
    ] = False,
    data_dir: DataDirOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Fill an empty database from a backup, and put the files that the store lacks and the backup has.

    Jobs that ran when it was made are queued again, and continue from their newest state that is whole.
    """
    settings = machine_settings(data_dir=data_dir)
    from service.operate.archive import BackupError
    from service.operate.restore import NotEmptyError
    from service.operate.restore import restore as fill

    try:
        done = fill(settings, file, quick=quick, say=say, take_store=take_store)
    except NotEmptyError as error:
        raise CommandFailure(str(error), ExitCode.REFUSED) from error
    except BackupError as error:
        raise CommandFailure(str(error), ExitCode.FAILED) from error
    if as_json:
        print_json({name: getattr(done, name) for name in done.__dataclass_fields__})
    elif done.was_there:
        out().print("this backup was restored here before: nothing was changed")
    else:
        out().print(
            f"{done.num_rows} rows; {done.num_files} files, {done.num_copied} put into the store; "
            f"{len(done.requeued)} jobs queued again; {len(done.dropped)} unfinished states were gone"
        )
    _fail_for(done.missing, "neither the store nor the backup has:")


def _fail_for(missing: tuple[str, ...], what: str) -> None:
    if not missing:
        return
    console = err()
    console.print(f"[bold red]error:[/] {len(missing)} files that {what}")
    for uri in missing[:MAX_SHOWN]:
        console.print(f"  {uri}", markup=False)
    if len(missing) > MAX_SHOWN:
        console.print(f"  and {len(missing) - MAX_SHOWN} more")
    raise typer.Exit(ExitCode.FAILED)
