"""Whose something new is.

An experiment belongs to the key that submitted, cloned or imported it, and so do all its jobs, also those
that another key adds later: an operator who extends somebody's experiment does not take it away. A job of
its own, a prediction and a plan belong to the key that asked for it, whosever weights they use.
"""

from typing import TypedDict

from service.access.caller import Caller
from service.db.models import Job


class Owned(TypedDict):
    """The columns that say whose a row is, for people and for the service."""

    submitted_by: str | None
    owner_key_id: str | None


def owned(submitted_by: str | None, owner: Caller | None) -> Owned:
    """The key's name where nobody said another one."""
    if owner is None:
        return Owned(submitted_by=submitted_by, owner_key_id=None)
    return Owned(submitted_by=submitted_by or owner.name, owner_key_id=owner.key_id)


def own(job: Job, submitted_by: str | None, owner: Caller | None) -> None:
    """Say whose a new job of its own is."""
    found = owned(submitted_by, owner)
    job.submitted_by, job.owner_key_id = found["submitted_by"], found["owner_key_id"]
