"""What a shell offers after TAB: nothing where a server does not answer at once."""

from collections.abc import Callable, Iterator
from itertools import islice

import typer

from service.client import Client, ClientError
from service.client.references import LATEST
from service.client.settings import read_settings

TIMEOUT_SECONDS = 0.7
MAX_OFFERED = 50
Offer = tuple[str, str]
"""What is put on the line, and what it is."""


def complete_experiment(context: typer.Context, incomplete: str) -> list[Offer]:
    """Experiments that begin so."""
    return _offered(context, incomplete, _experiments)


def complete_job(context: typer.Context, incomplete: str) -> list[Offer]:
    """Jobs that begin so."""
    return _offered(context, incomplete, _jobs)


def complete_any(context: typer.Context, incomplete: str) -> list[Offer]:
    """Experiments, then jobs, that begin so."""
    return _offered(
        context, incomplete, lambda client: (each for part in (_experiments, _jobs) for each in part(client))
    )


def _experiments(client: Client) -> Iterator[Offer]:
    yield LATEST, "the newest experiment"
    for row in islice(client.experiments(limit=str(MAX_OFFERED)), MAX_OFFERED):
        yield row.id, f"{row.name}, {row.state}"


def _jobs(client: Client) -> Iterator[Offer]:
    for row in islice(client.jobs(limit=str(MAX_OFFERED)), MAX_OFFERED):
        yield row.id, f"{row.name}, {row.state}"


def _offered(
    context: typer.Context, incomplete: str, offers: Callable[[Client], Iterator[Offer]]
) -> list[Offer]:
    try:
        with connect(context.find_root().params.get("url")) as client:
            return [offer for offer in offers(client) if offer[0].startswith(incomplete)]
    except (ClientError, OSError):
        return []  # the user is typing: an error would be written into the line


def connect(url: str | None) -> Client:
    """A client with no patience."""
    settings = read_settings(url=url)
    return Client(settings.url.text, settings.api_key.value, timeout_seconds=TIMEOUT_SECONDS, retry_delays=())
