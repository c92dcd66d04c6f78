"""`frs gc` and `frs retention`: what is kept of checkpoints, and the rest cleared away."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.arguments import ExperimentId
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client.storage import Garbage, GarbagePlan


def gc(
    context: typer.Context,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed, at once.")] = False,
    plan: Annotated[
        str | None, typer.Option(metavar="PLAN", help="Delete what was listed as this plan, if it still is.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the files that nothing needs, with reasons and sizes; delete them only when told to.

    They are what experiments' retention does not keep, and files that no record names.
    """
    if yes and plan is not None:
        raise typer.BadParameter("--yes deletes what is listed now, --plan what was listed before: give one")
    with current(context).connect() as client:
        shown = client.collect_garbage(plan) if plan is not None else client.garbage()
        if yes and shown.num_items:
            shown = client.collect_garbage(shown.plan)
    if as_json:
        print_json(shown)
        return
    if shown.items:
        out().print(_table(shown))
    err().print(_said(shown), markup=False)


def retention(
    context: typer.Context,
    some_id: ExperimentId,
    *,
    best: Annotated[bool | None, typer.Option("--best/--no-best", help="Weights of the highest AP.")] = None,
    last: Annotated[
        bool | None, typer.Option("--last/--no-last", help="Weights of the end, and the export.")
    ] = None,
    every_epochs: Annotated[int | None, typer.Option(metavar="N", help="States of every N epochs.")] = None,
    every_steps: Annotated[int | None, typer.Option(metavar="N", help="States of every N steps.")] = None,
    days: Annotated[float | None, typer.Option(help="Whatever is younger.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Keep all again.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show, or with options replace, what `frs gc` keeps of an experiment's checkpoints."""
    given = {
        "best": best,
        "last": last,
        "every_epochs": every_epochs,
        "every_steps": every_steps,
        "days": days,
    }
    rules: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if rules and everything:
        raise typer.BadParameter("--everything takes no rules beside it")
    with current(context).connect() as client:
        experiment_id = client.find_experiment(some_id).id
        if rules or everything:
            client.set_retention(experiment_id, rules or None)
        found = client.retention(experiment_id)
    if as_json:
        print_json(found)
        return
    kept = [_rule(name, value) for name, value in (found.policy or {}).items() if value]
    out().print(f"keeps {', '.join(kept) or 'everything'}", markup=False)


def _rule(name: str, value: Any) -> str:
    texts = {
        "every_epochs": f"every {value} epochs",
        "every_steps": f"every {value} steps",
        "days": f"{value:g} days",
    }
    return texts.get(name, name)


def _table(plan: GarbagePlan) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "of", "step"):
        table.add_column(heading)
    table.add_column("frees", justify="right")
    table.add_column("why")
    for item in plan.items:
        step = "" if item.step is None else str(item.step)
        cells = (item.what, _owner(item), step, words.size(item.freed_bytes), item.reason)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _owner(item: Garbage) -> str:
    if item.job_id is None:
        return "–"
    return f"{item.experiment_name or ''} {words.short_id(item.job_id)}".strip()


def _said(plan: GarbagePlan) -> str:
    if not plan.num_items:
        return "Nothing is to be deleted."
    files = f"{plan.num_items} {'file' if plan.num_items == 1 else 'files'}, {words.size(plan.freed_bytes)}"
    if plan.deleted:
        return f"Deleted {files}."
    more = plan.num_items - len(plan.items)
    listed = f" ({more} more are not listed)" if more else ""
    return f"{files}{listed}. Nothing is deleted yet: frs gc --plan {plan.plan}"
