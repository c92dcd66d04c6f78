"""Registers data sets, and has a worker look at those that the server does not see."""

from sqlalchemy.orm import Session

from frs_core.spec import PreflightSpec
from frs_core.spec.dataset import DatasetSpec
from service.db.datasets import register
from service.db.models import DatasetVersion
from service.db.states import DatasetState
from service.db.types import new_id
from service.jobs.errands import errand_row, queue_errand

ROLE = "register"


def register_folder(
    session: Session,
    name: str,
    spec: DatasetSpec,
    *,
    visible: bool,
    owner_key_id: str | None,
    max_attempts: int,
) -> tuple[DatasetVersion, bool]:
    """A version of a folder, and whether it is new. Raises ArchivedDatasetError.

    Where the server does not see it, a job checks it on a worker: nothing else could.
    """
    row, is_new = register(session, name, spec, owner_key_id=owner_key_id)
    if is_new and not visible and spec.root:
        errand = PreflightSpec(name=f"check of {name}"[:120], dataset=spec, examines=True)
        job = errand_row(errand, role=ROLE, label=name)
        job.id, job.max_attempts, job.owner_key_id = new_id(), max_attempts, owner_key_id
        row.check_job_id, row.state = job.id, DatasetState.CHECKING
        queue_errand(session, job, ())
    return row, is_new
