"""From a reference to a file on this host."""

from pathlib import Path

from frs_core import zoo
from frs_core.context import RunContext
from frs_core.errors import CheckpointError
from frs_core.weights.fetch import fetch
from frs_core.weights.reference import ZOO, is_address, parse_address


def locate(reference: str, zoo_name: str, context: RunContext) -> Path:
    """The file that a reference means for a detector of this zoo name, fetched if need be.

    The id of a stored checkpoint is none of them: a worker has replaced it by a path.
    Raises CheckpointError where there is no such file, and Stopped.
    """
    if reference == ZOO:
        published = zoo.entry(zoo_name).weights_url
        if published is None:
            raise CheckpointError(f"{zoo_name} has no published weights", field="checkpoint")
        reference = published
    if not is_address(reference):
        return Path(reference)
    return fetch(parse_address(reference), context.sources, should_stop=context.should_stop)
