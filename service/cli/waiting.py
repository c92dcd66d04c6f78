"""`frs wait`: until experiments and jobs have ended."""

import time
from collections.abc import Iterator

import typer
from rich.console import Console

from service.cli import follow, words
from service.cli.arguments import AnyIds, TimeoutOption
from service.cli.exit_codes import ExitCode
from service.cli.session import JsonFlag, current, err, exit_unless, out, print_json
from service.client import Experiment, Job
from service.client.watching import watch

Either = Experiment | Job


def wait(
    context: typer.Context, some_ids: AnyIds, *, timeout: TimeoutOption = None, as_json: JsonFlag = False
) -> None:
    """Wait silently until all of these have ended. Exits with 0 only if all succeeded."""
    with current(context).connect() as client:
        found = {each.id: each for each in map(client.find, some_ids)}
        ended: list[Either] = []
        try:
            for each in _ended(list(found.values()), timeout):
                ended.append(each)
                if not as_json:
                    _say(each, out())
        except KeyboardInterrupt:
            names = " ".join(map(words.short_id, found))
            err().print(f"\nDetached; they go on. Wait again: frs wait {names}")
            raise typer.Exit(ExitCode.DETACHED) from None
    if as_json:
        print_json([{"id": each.id, "name": each.name, "state": each.state} for each in ended])
    exit_unless(all(each.state == "succeeded" for each in ended))


def _ended(found: list[Either], timeout: float | None) -> Iterator[Either]:
    """One after the other; what ends meanwhile is told when its turn comes."""
    started = time.monotonic()
    for each in found:
        left = None if timeout is None else max(0.0, started + timeout - time.monotonic())
        for _ in watch(each.refresh, timeout_seconds=left, poll_seconds=follow.POLL_SECONDS):
            pass
        yield each


def _say(each: Either, console: Console) -> None:
    reason = f"  {words.reason(each)}" if isinstance(each, Job) and each.state != "succeeded" else ""
    console.print(f"{each.id}  {each.name}  {each.state}{reason}", markup=False, soft_wrap=True)
