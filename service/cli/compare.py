"""`frs compare`: the rows of an experiment, or any runs side by side."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from service.cli.arguments import AnyIds
from service.cli.comparison_table import ComparisonView
from service.cli.session import JsonFlag, current, out, print_json
from service.client import Difference, Experiment

BaselineOption = Annotated[str, typer.Option(help="The label that differences refer to.")]


def compare(
    context: typer.Context, some_ids: AnyIds, *, baseline: BaselineOption = "none", as_json: JsonFlag = False
) -> None:
    """Compare the methods of an experiment over its seeds, or several runs where that is fair."""
    with current(context).connect() as client:
        found = [client.find(each) for each in some_ids]
        if len(found) == 1 and isinstance(found[0], Experiment):
            comparison = client.comparison(found[0].id, baseline)
            if as_json:
                print_json(comparison)
            else:
                out().print(ComparisonView(comparison))
            return
        across = client.compare(*found, baseline=baseline)
    if as_json:
        print_json(across)
        return
    out().print(ComparisonView(across.comparison))
    if across.differences:
        out().print(_differences(across.differences))


def _differences(differences: tuple[Difference, ...]) -> Table:
    """A line a setting, a column a row of the comparison."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("differs in", overflow="fold")
    labels = list(differences[0].values)
    for label in labels:
        table.add_column(Text(label), overflow="fold")
    for each in differences:
        table.add_row(Text(each.setting), *(Text(each.values.get(label, "")) for label in labels))
    return table
