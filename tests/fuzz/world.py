"""A server's database with something of every kind in it, most of it somebody else's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import ArtifactEvent, CheckpointEvent, CheckpointKind
from frs_core.files import file_sha256
from frs_core.spec import DatasetSpec, ExperimentSpec
from service.access.caller import Caller
from service.access.roles import Role
from service.artifacts import open_store
from service.datasets.checking import check_next
from service.db import api_keys, audit, ledger, queries
from service.db.engine import create_engine, session_factory, upgrade
from service.jobs.register import register_folder
from service.jobs.submit import submit_experiment
from service.settings import Settings
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import SMALL_DETECTOR

VOC = Path(__file__).parents[1] / "data" / "datasets" / "voc"
OTHER = "other"
"""Whose things no viewer and no submitter may change."""
SPEC: dict[str, Any] = {
    "name": "small",
    "dataset": {"format": "synthetic"},
    "input_size": [96, 64],
    "teacher": {"detector": SMALL_DETECTOR, "train": {"epochs": 1}},
    "student": {"detector": SMALL_DETECTOR},
    "schedule": {"epochs": 1, "batch_size": 2},
    "methods": ["none", "frs"],
}


@dataclass(frozen=True, kw_only=True)
class World:
    """What there is: the callers' headers, ids by the names that paths give them, the other's among them."""

    settings: Settings
    sessions: sessionmaker[Session]
    headers: Mapping[str, Mapping[str, str]]
    key_ids: Mapping[str, str]
    known: Mapping[str, tuple[str, ...]]
    others: Mapping[str, frozenset[str]]

    def others_state(self) -> dict[str, audit.View | None]:
        """All that the database tells of what is the other's."""
        kinds = {"experiment_id": "experiment", "dataset_id": "dataset"}
        with self.sessions() as session:
            return {
                each: audit.view(session, audit.find(session, kind, each))
                for name, kind in kinds.items()
                for each in sorted(self.others[name])
            }


def make_world(folder: Path) -> World:
    """Fill a new folder. Raises FileExistsError."""
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'frs.db'}"
    upgrade(url)
    settings = Settings(data_dir=folder, database_url=url, broker_url="", artifacts_url="")
    sessions = session_factory(create_engine(url))
    headers, callers = _keys(sessions)
    others = _experiments(sessions, settings, folder, callers[OTHER])
    own = _experiments(sessions, settings, folder, callers[Role.SUBMITTER])
    for name in (OTHER, Role.SUBMITTER):
        _dataset(sessions, f"cells-of-{name}", callers[name])
    while check_next(sessions, open_store(settings.resolved_artifacts_url), settings):
        pass
    others |= {"dataset_id": (f"cells-of-{OTHER}",)}
    own |= {"dataset_id": (f"cells-of-{Role.SUBMITTER}",)}
    with sessions.begin() as session:
        spare = tuple(
            api_keys.create_key(session, name=f"spare-{number}", role=Role.VIEWER)[0].id
            for number in range(9)
        )
    shared = {"key_id": spare, "version": ("1",), "split": ("train", "test"), "image_id": ("1",)}
    return World(
        settings=settings,
        sessions=sessions,
        headers=headers,
        key_ids={name: caller.key_id for name, caller in callers.items()},
        known={name: ids + own[name] for name, ids in others.items()} | shared,
        others={name: frozenset(ids) for name, ids in others.items()},
    )


def _keys(sessions: sessionmaker[Session]) -> tuple[dict[str, dict[str, str]], dict[str, Caller]]:
    headers: dict[str, dict[str, str]] = {"none": {}}
    callers: dict[str, Caller] = {}
    roles = {**{role.value: role for role in Role}, OTHER: Role.SUBMITTER, "second admin": Role.ADMIN}
    with sessions.begin() as session:
        for name, role in roles.items():
            row, key = api_keys.create_key(session, name=name, role=role)
            headers[name] = {"Authorization": f"Bearer {key}"}
            callers[name] = Caller(key_id=row.id, name=name, role=role)
    return headers, callers


def _experiments(
    sessions: sessionmaker[Session], settings: Settings, folder: Path, owner: Caller
) -> dict[str, tuple[str, ...]]:
    """Three experiments of that key: one whose teacher has ended, a paused one, one that waits."""
    made = []
    with sessions.begin() as session:
        for _ in range(3):
            row = submit_experiment(
                session, ExperimentSpec.model_validate(SPEC), dataset_report=None, owner=owner
            )
            made.append(row.id)
        worker_id = ledger.register_worker(session, host="here", pid=1, version="0", devices={"gpus": []})
    hand = Hand(sessions, worker_id)
    lease = hand.take()
    files = _files(sessions, settings, folder, lease)
    hand.save(lease, CheckpointKind.STATE, 5, uri=f"file:jobs/{lease.job_id}/5/lost")
    hand.finish(lease)
    with sessions.begin() as session:
        ledger.pause_experiment(session, made[1])
    jobs = tuple(job.id for each in made for job in hand.jobs(each))
    return {"experiment_id": tuple(made), "job_id": jobs, "worker_id": (worker_id,), **files}


def _files(
    sessions: sessionmaker[Session], settings: Settings, folder: Path, lease: ledger.Lease
) -> dict[str, tuple[str, ...]]:
    content = folder / "content"
    content.write_text("[]")
    told = {"time": 1.0, "sha256": file_sha256(content), "size_bytes": 2}
    store, place = open_store(settings.resolved_artifacts_url), f"jobs/{lease.job_id}"
    weights = CheckpointEvent(kind=CheckpointKind.WEIGHTS, path="w", step=7, epoch=1, **told)
    table = ArtifactEvent(name="predictions_test.json", path="p", media_type="application/json", **told)
    with sessions.begin() as session:
        for event, name in ((weights, "weights.safetensors"), (table, "predictions_test.json")):
            uri = store.put(content, f"{place}/{name}", told["sha256"])
            if isinstance(event, CheckpointEvent):
                ledger.record_checkpoint(session, lease, event, uri=uri)
            else:
                ledger.record_artifact(session, lease, event, uri=uri)
    with sessions() as session:
        return {
            "checkpoint_id": tuple(row.id for row in queries.job_checkpoints(session, lease.job_id)),
            "artifact_id": tuple(row.id for row in queries.job_artifacts(session, lease.job_id)),
        }


def _dataset(sessions: sessionmaker[Session], name: str, owner: Caller) -> None:
    spec = DatasetSpec(format="voc", root=str(VOC), test="test")
    with sessions.begin() as session:
        register_folder(session, name, spec, visible=True, owner_key_id=owner.key_id, max_attempts=1)
