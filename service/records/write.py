"""Writes a record into the database: the rows that the runs left, under new ids."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from frs_core.events import MetricEvent
from frs_core.spec import canonical_hash, expand
from service.access.caller import Caller
from service.db.leases import now
from service.db.metrics import write_points
from service.db.models import Artifact, Evaluation, Event, Experiment, ExperimentTag, Job
from service.db.states import JobState
from service.db.types import new_id
from service.jobs.idempotency import claim_key
from service.jobs.owning import owned
from service.records.form import JobRecord, KeptFile, Recorded

IMPORTED = "experiment.imported"
RECORD = "record.json"
_TOKEN = 0
"""Of rows that no attempt of this service wrote."""

Store = Callable[[str, KeptFile], str]
"""Stores a kept file of a job with that new id and gives its URI."""


def write_record(
    session: Session, recorded: Recorded, store: Store, owner: Caller | None = None
) -> Experiment:
    """The experiment made of a record; of one that was written before, the experiment of that time."""
    new, record_hash = new_id(), canonical_hash(recorded)
    if (known := claim_key(session, (f"import:{record_hash}", record_hash), "experiment", new)) != new:
        return session.get_one(Experiment, known)
    source, moment = recorded.experiment, now(session)
    report = source.dataset_report
    experiment = Experiment(
        id=new,
        name=source.spec.name,
        spec=source.spec.model_dump(mode="json"),
        **owned(source.spec.submitted_by, owner),
        dataset_report=None if report is None else report.model_dump(mode="json"),
        created_at=moment,
        tags=[ExperimentTag(tag=tag) for tag in sorted(set(source.spec.tags))],
    )
    session.add(experiment)
    session.flush()
    ids = {job.id: new_id() for job in recorded.jobs}
    for job in recorded.jobs:
        _write_job(session, job, experiment, ids, moment)
        _write_files(session, job, ids[job.id], store)
    message = _told(recorded)
    data = {
        "source": source.id,
        "record": record_hash,
        "jobs": {ids[job.id]: job.id for job in recorded.jobs},
    }
    session.add(Event(experiment_id=new, kind=IMPORTED, message=message, data=data, created_at=moment))
    session.flush()
    return experiment


def _told(recorded: Recorded) -> str:
    source, planned = recorded.experiment, len(expand(recorded.experiment.spec))
    part = f"; {len(recorded.jobs)} of its {planned} jobs had ended" if len(recorded.jobs) < planned else ""
    return (
        f"imported from a record of experiment {source.id}, submitted {source.created_at:%Y-%m-%d}: "
        f"nothing of it ran here{part}"
    )


def _write_job(
    session: Session, job: JobRecord, experiment: Experiment, ids: Mapping[str, str], moment: datetime
) -> None:
    plain = {"position", "role", "label", "job_key", "reason_code", "reason", "step", "total_steps", "epoch"}
    plain |= {"total_epochs", "num_attempts", "started_at", "cost"}
    vals = [each.metrics.get("ap") for each in job.evaluations if each.split == "val"]
    session.add(
        Job(
            **{name: getattr(job, name) for name in plain},
            id=ids[job.id],
            experiment_id=experiment.id,
            owner_key_id=experiment.owner_key_id,
            kind=job.spec.kind.value,
            name=job.spec.name,
            method=None if job.spec.method is None else job.spec.method.name,
            seed=job.spec.seed,
            spec=job.spec.model_dump(mode="json"),
            submitted_by=job.spec.submitted_by,
            gpus=job.spec.resources.gpus,
            state=JobState(job.state),
            search=_with_new_ids(job.search, ids),
            latest_ap=vals[-1] if vals else None,
            created_at=moment,
            finished_at=job.finished_at,
        )
    )
    session.flush()
    for evaluation in job.evaluations:
        row = evaluation.model_dump(mode="json")
        session.add(Evaluation(**row, job_id=ids[job.id], token=_TOKEN, created_at=moment))
    time = (job.finished_at or moment).timestamp()
    points: dict[int, MetricEvent] = {}
    for name, series in job.metrics.items():
        for step, value in zip(series.steps, series.values, strict=True):
            event = points.setdefault(step, MetricEvent(time=time, step=step, values={}))
            event.values[name] = value
            if step in series.nonfinite:
                event.nonfinite[name] = series.nonfinite[step]
    write_points(session, ids[job.id], points.values())


def _with_new_ids(search: dict[str, object] | None, ids: Mapping[str, str]) -> dict[str, object] | None:
    tried = (search or {}).get("tried")
    if search is None or not isinstance(tried, list):
        return search
    return {**search, "tried": [{**each, "job_id": ids.get(each["job_id"])} for each in tried]}


def _write_files(session: Session, job: JobRecord, job_id: str, store: Store) -> None:
    for file in job.files:
        session.add(
            Artifact(
                job_id=job_id,
                token=_TOKEN,
                name=file.name,
                media_type=file.media_type,
                uri=store(job_id, file),
                sha256=file.sha256,
                size_bytes=file.size_bytes,
            )
        )
