"""The weights that a claimed job names by their path: are they where this host lets them be read?"""

from collections.abc import Iterator

from frs_core.spec import JobSpec, PredictSpec
from frs_core.weights.reference import ZOO, is_address
from frs_core.weights.roots import refusal_of_path
from service.db.ledger import Claim
from service.settings import Settings


class RefusedWeightsError(ValueError):
    """Weights that this host's settings do not let a job read."""


def check_weights(claim: Claim, settings: Settings) -> None:
    """Raises RefusedWeightsError for a file outside FRS_IMPORT_ROOTS, links followed."""
    for path in _paths(claim):
        refusal = refusal_of_path(path, settings.import_roots)
        if refusal is not None:
            raise RefusedWeightsError(f"{path} {refusal}")


def _paths(claim: Claim) -> Iterator[str]:
    """What is neither published, nor fetched, nor stored: those three are verified otherwise."""
    spec = claim.spec
    named: dict[str, str | None] = {}
    if isinstance(spec, JobSpec | PredictSpec):
        named["checkpoint"] = spec.checkpoint
    if isinstance(spec, JobSpec) and spec.teacher is not None:
        named["teacher"] = spec.teacher.checkpoint
    for place, reference in named.items():
        if reference is None or reference == ZOO or is_address(reference) or place in claim.weights:
            continue
        yield reference
