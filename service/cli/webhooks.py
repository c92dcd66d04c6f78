"""`frs webhook`: who is told when jobs and experiments end, and how that went."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, exit_unless, out, print_json
from service.client import Client
from service.client.webhooks import Delivery, Webhook

app = typer.Typer(no_args_is_help=True, help="Tell a channel or a program when jobs and experiments end.")

HookArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A webhook's id, or a unique beginning of it.")
]
_STYLES = {"delivered": "green", "failed": "bold red", "pending": "cyan"}
_LOOK_SECONDS = 0.5


@app.command()
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="An https address.")],
    *,
    name: Annotated[str, typer.Option(help="What to call it.")],
    payload: Annotated[str, typer.Option(help="json, for programs; slack, for people.")] = "json",
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            help="job.succeeded, job.failed, job.cancelled or experiment.finished; may be repeated. "
            "Default: job.failed and experiment.finished.",
        ),
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Of this experiment alone. Default: of all that this key submits.")
    ] = None,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="Of what all keys submit. Takes an operator's key.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a webhook and print its secret, once: with it a receiver verifies who sent what it gets."""
    with current(context).connect() as client:
        experiment_id = None if experiment is None else client.find_experiment(experiment).id
        made = client.create_webhook(
            name, url, payload=payload, events=events, experiment_id=experiment_id, everyone=everyone
        )
    print_json(made) if as_json else _tell(made, made.secret)


@app.command("list")
def list_webhooks(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List this key's webhooks; with an operator's key, those of all."""
    with current(context).connect() as client:
        found = client.webhooks()
    if as_json:
        print_json([hook.model_dump(mode="json") for hook in found])
    else:
        out().print(_table(found))


@app.command()
def show(
    context: typer.Context,
    webhook_id: HookArgument,
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many deliveries.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Show a webhook and its last deliveries."""
    with current(context).connect() as client:
        hook, deliveries = client.webhook(webhook_id), client.deliveries(webhook_id, limit=limit)
    if as_json:
        listed = [delivery.model_dump(mode="json", exclude={"body", "tries"}) for delivery in deliveries]
        print_json({**hook.model_dump(mode="json"), "deliveries": listed})
        return
    out().print(_table([hook]))
    if deliveries:
        out().print(_log(deliveries))


@app.command()
def delete(context: typer.Context, webhook_id: HookArgument) -> None:
    """Delete a webhook and the log of its deliveries."""
    with current(context).connect() as client:
        client.delete_webhook(webhook_id)
    err().print("deleted", style="dim")


@app.command()
def enable(context: typer.Context, webhook_id: HookArgument, as_json: JsonFlag = False) -> None:
    """Switch a webhook on, also one that was switched off because its receiver answered 410."""
    _switch(context, webhook_id, as_json, enabled=True)


@app.command()
def disable(context: typer.Context, webhook_id: HookArgument, as_json: JsonFlag = False) -> None:
    """Switch a webhook off: it is told nothing until it is on again."""
    _switch(context, webhook_id, as_json, enabled=False)


@app.command()
def rotate(context: typer.Context, webhook_id: HookArgument, as_json: JsonFlag = False) -> None:
    """Make a new secret and print it, once. For a day the former one signs too."""
    with current(context).connect() as client:
        made = client.rotate_webhook(webhook_id)
    print_json(made) if as_json else _tell(made, made.secret)


WaitOption = Annotated[
    float, typer.Option("--wait", min=0, metavar="SECONDS", help="For the first try; 0 does not wait.")
]


@app.command("test")
def try_out(
    context: typer.Context, webhook_id: HookArgument, wait: WaitOption = 30.0, as_json: JsonFlag = False
) -> None:
    """Send something to a webhook and say how that went. Exits with 1 where it did not arrive."""
    with current(context).connect() as client:
        _follow(client, client.test_webhook(webhook_id), 0, wait, as_json)


@app.command()
def redeliver(
    context: typer.Context,
    webhook_id: HookArgument,
    delivery_id: Annotated[str, typer.Argument(metavar="DELIVERY", help="As `frs webhook show` lists them.")],
    wait: WaitOption = 30.0,
    as_json: JsonFlag = False,
) -> None:
    """Send a delivery once more, under the same webhook-id, and say how that went."""
    with current(context).connect() as client:
        num_tries = len(client.delivery(webhook_id, delivery_id).tries)
        _follow(client, client.redeliver(webhook_id, delivery_id), num_tries, wait, as_json)


def _follow(client: Client, delivery: Delivery, num_tries: int, seconds: float, as_json: bool) -> None:
    """Wait for one more try than there were."""
    deadline = time.monotonic() + seconds
    while (found := client.delivery(delivery.webhook_id, delivery.id)) and len(found.tries) <= num_tries:
        if time.monotonic() >= deadline:
            break
        time.sleep(_LOOK_SECONDS)
    if as_json:
        print_json(found)
    elif len(found.tries) > num_tries:
        last = found.tries[-1]
        out().print(f"{found.state}: {last.error or f'HTTP {last.status}'}", markup=False)
    elif seconds:
        raise CommandFailure(
            f"delivery {found.id} was not sent within {seconds:g} s: is a keeper running?", ExitCode.FAILED
        )
    exit_unless(not seconds or found.state == "delivered")


def _switch(context: typer.Context, webhook_id: str, as_json: bool, *, enabled: bool) -> None:
    with current(context).connect() as client:
        hook = client.change_webhook(webhook_id, enabled=enabled)
    print_json(hook) if as_json else out().print(_table([hook]))


def _tell(hook: Webhook, secret: str) -> None:
    out().print(secret, markup=False, soft_wrap=True)
    err().print(
        f"The secret of {words.short_id(hook.id)} {hook.name}. It is not shown again.",
        style="dim",
        markup=False,
    )


def _of(hook: Webhook) -> str:
    if hook.experiment_id is not None:
        return words.short_id(hook.experiment_id)
    return "everyone's" if hook.everyone else "its key's"


def _table(found: Sequence[Webhook]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("id", "name", "payload", "events", "of", "state", "url"):
        table.add_column(name, no_wrap=name in ("id", "payload", "state"))
    for hook in found:
        state = "on" if hook.enabled else f"off{f': {hook.disabled_reason}' if hook.disabled_reason else ''}"
        table.add_row(
            words.short_id(hook.id),
            Text(hook.name),
            hook.payload,
            " ".join(hook.events),
            _of(hook),
            Text(state, style="green" if hook.enabled else "yellow"),
            Text(hook.url, overflow="fold"),
        )
    return table


def _log(deliveries: Sequence[Delivery]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("delivery", "event", "state", "tries", "made"):
        table.add_column(name, no_wrap=True)
    moment = datetime.now(UTC)
    for each in deliveries:
        table.add_row(
            words.short_id(each.id),
            each.event,
            Text(each.state, style=_STYLES.get(each.state, "")),
            str(each.num_attempts),
            words.age(each.created_at, moment),
        )
    return table
