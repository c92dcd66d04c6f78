"""`frs workers` and `frs worker`: the hosts that train, and whether they take jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Worker

WorkerArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A worker: its id, or a unique beginning of it.")
]
_STYLES = {"online": "green", "draining": "yellow", "drained": "yellow", "lost": "bold red", "offline": "dim"}

app = typer.Typer(no_args_is_help=True, help="Have a worker take no more jobs, or take jobs again.")


def workers(
    context: typer.Context,
    all_of_them: Annotated[bool, typer.Option("--all", help="Those that have left, too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the workers with their devices, how busy they are and what they run."""
    with current(context).connect() as client:
        found = [worker for worker in client.workers() if all_of_them or worker.state == "online"]
    if as_json:
        print_json([worker.model_dump(mode="json") for worker in found])
    elif found:
        out().print(_table(found))
    else:
        err().print("No worker is online. Start one: frs up, or python -m workers on another host")


@app.command()
def drain(context: typer.Context, worker_id: WorkerArgument, as_json: JsonFlag = False) -> None:
    """Have a worker finish what it runs and take no more jobs."""
    _set(context, worker_id, drain=True, as_json=as_json)


@app.command()
def undrain(context: typer.Context, worker_id: WorkerArgument, as_json: JsonFlag = False) -> None:
    """Let a worker take jobs again."""
    _set(context, worker_id, drain=False, as_json=as_json)


def _set(context: typer.Context, worker_id: str, *, drain: bool, as_json: bool) -> None:
    with current(context).connect() as client:
        worker = client.drain_worker(worker_id, drain=drain)
    if as_json:
        print_json(worker)
    else:
        out().print(_table([worker]))


def _table(found: Sequence[Worker]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("id", "host", "state", "devices"):
        table.add_column(name, no_wrap=True)
    table.add_column("busy", justify="right", no_wrap=True)
    table.add_column("heard of", no_wrap=True)
    table.add_column("version", no_wrap=True)
    table.add_column("runs", overflow="fold")
    moment = datetime.now(UTC)
    for worker in found:
        state = _state(worker)
        table.add_row(
            words.short_id(worker.id),
            Text(worker.host),
            Text(state, style=_STYLES.get(state, "")),
            Text(_devices(worker)),
            _busy(worker),
            words.age(worker.heartbeat_at, moment),
            worker.version,
            Text("\n".join(f"{job.name} ({words.short_id(job.id)})" for job in worker.jobs) or words.NOTHING),
        )
    return table


def _state(worker: Worker) -> str:
    if worker.state == "online" and worker.desired_state == "drain":
        return "draining" if worker.jobs else "drained"
    return worker.state


def _devices(worker: Worker) -> str:
    gpus = worker.devices.get("gpus", [])
    if gpus:
        return f"{len(gpus)} x {gpus[0].get('name', 'GPU')}"
    return f"{worker.devices.get('cpus', '?')} CPU cores"


def _busy(worker: Worker) -> str:
    usage = worker.usage or {}
    shares = [gpu.get("busy") for gpu in usage.get("gpus", [])] or [usage.get("cpu")]
    known = [share for share in shares if share is not None]
    return f"{100 * sum(known) / len(known):.0f} %" if known else words.NOTHING
