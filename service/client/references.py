"""What people call an experiment or a job: an id, the unique beginning of one, a name, or @latest.

Resolved here and nowhere else. A beginning of fewer than `SURE_LENGTH` characters may as well be a name, so
names are looked for too; what fits several things is refused with all of them.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from service.client.errors import AmbiguousReferenceError, ApiError

if TYPE_CHECKING:
    from service.client.experiments import Experiment
    from service.client.http import Client
    from service.client.jobs import Job

LATEST = "@latest"
SURE_LENGTH = 8
MAX_CANDIDATES = 20
AnyT = TypeVar("AnyT", bound="Experiment | Job")


def find_experiment(client: "Client", reference: str) -> "Experiment":
    """The experiment that is meant. Raises ApiError (404) and AmbiguousReferenceError."""
    return _only(reference, "experiment", _experiments(client, reference))


def find_job(client: "Client", reference: str) -> "Job":
    """The job that is meant. Raises as `find_experiment` does."""
    return _only(reference, "job", _jobs(client, reference))


def find(client: "Client", reference: str) -> "Experiment | Job":
    """The experiment or the job that is meant; @latest is an experiment. Raises as `find_experiment` does."""
    found: list[Experiment | Job] = [*_experiments(client, reference)]
    by_id = any(each.id.startswith(reference) for each in found) and len(reference) >= SURE_LENGTH
    if not (by_id or reference.startswith("@")):
        found += _jobs(client, reference)
    return _only(reference, "experiment and no job", found)


def _experiments(client: "Client", reference: str) -> "Sequence[Experiment]":
    if (state := _latest_state(reference)) is not None:
        rows = islice(client.experiments(limit="1", **state), 1)
        return [client.experiment(row.id) for row in rows]
    found = _by_id(client.experiment, reference)
    if found and len(reference) >= SURE_LENGTH:
        return found
    named = islice(client.experiments(name=reference, limit=str(MAX_CANDIDATES)), MAX_CANDIDATES)
    exact = [row for row in named if row.name == reference and row.id not in {each.id for each in found}]
    return [*found, *(client.experiment(row.id) for row in exact)]


def _jobs(client: "Client", reference: str) -> "Sequence[Job]":
    if (state := _latest_state(reference)) is not None:
        return list(islice(client.jobs(limit="1", **state), 1))
    found = _by_id(client.job, reference)
    if found and len(reference) >= SURE_LENGTH:
        return found
    named = islice(client.jobs(name=reference, limit=str(MAX_CANDIDATES)), MAX_CANDIDATES)
    return [
        *found,
        *(row for row in named if row.name == reference and row.id not in {each.id for each in found}),
    ]


def _latest_state(reference: str) -> dict[str, str] | None:
    """The filter of @latest, or of @latest:STATE; None for another reference."""
    name, colon, state = reference.partition(":")
    if name != LATEST:
        return None
    return {"state": state} if colon else {}


def _by_id(read: Callable[[str], AnyT], reference: str) -> list[AnyT]:
    try:
        return [read(reference)]
    except ApiError as error:
        if error.status != 404:
            raise
        return []


def _only(reference: str, kind: str, found: Sequence[AnyT]) -> AnyT:
    if not found:
        raise ApiError(404, {"detail": f"no {kind} is called {reference}, nor has an id that begins so"})
    if len(found) > 1:
        raise AmbiguousReferenceError(reference, {each.id: _in_words(each) for each in found})
    return found[0]


def _in_words(found: "Experiment | Job") -> str:
    experiment_id = getattr(found, "experiment_id", None)
    of = f" of {experiment_id[:SURE_LENGTH]}" if experiment_id else ""
    return f"{found.name}{of}, {found.state}"
