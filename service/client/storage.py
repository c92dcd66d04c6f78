"""The client's verbs for stored files: imports, links, retention, garbage, and what everything takes."""

import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from service.client.base import Answer
from service.client.job_files import Artifact, Checkpoint
from service.client.jobs import Job
from service.client.transport import Transport, read, segment

_API = "/api/v1"
UPLOAD_TIMEOUT_SECONDS = 3600.0
COLLECT_TIMEOUT_SECONDS = 600.0


class FileLink(Answer):
    """An address that needs no key, good until `expires_at`."""

    url: str
    expires_at: datetime


class Garbage(Answer):
    """A file that would go: `what` is the kind of a checkpoint, or `orphan`."""

    what: str
    reason: str
    size_bytes: int
    freed_bytes: int
    checkpoint_id: str | None = None
    job_id: str | None = None
    experiment_id: str | None = None
    experiment_name: str | None = None
    step: int | None = None


class GarbagePlan(Answer):
    """What would go, or went; `items` are the first of `num_items`."""

    plan: str
    deleted: bool
    num_items: int
    freed_bytes: int
    items: tuple[Garbage, ...]


class Retention(Answer):
    """What garbage collection keeps of an experiment; None for everything."""

    experiment_id: str
    policy: dict[str, Any] | None = None


class Share(Answer):
    """What the files of one kind or experiment take."""

    id: str | None = None
    name: str
    num_files: int
    size_bytes: int


class Disk(Answer):
    """The server's disk."""

    total_bytes: int
    free_bytes: int


class Usage(Answer):
    """What the stored files take; `spare_bytes` would be freed by the experiments' policies."""

    num_files: int
    size_bytes: int
    spare_bytes: int
    store: str
    disk: Disk
    by_kind: tuple[Share, ...]
    by_experiment: tuple[Share, ...]


class StorageVerbs(Transport):
    """Takes files in, gives them out, and clears them away."""

    def import_checkpoint(
        self,
        file: Path | None = None,
        *,
        url: str | None = None,
        server_path: str | None = None,
        name: str | None = None,
        sha256: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Queues the import of a file of this machine, an https address, or a path on the server.

        The job's `weights` checkpoint has the id to name in specifications. Raises OSError too.
        """
        fields = {key: value for key, value in (("name", name), ("sha256", sha256)) if value is not None}
        with ExitStack() as stack:
            if file is not None:
                content: dict[str, Any] = {
                    "files": {"file": (file.name, stack.enter_context(file.open("rb")))},
                    "data": fields,
                }
            else:
                place = {"url": url} if url is not None else {"path": server_path}
                content = {"json": {**place, **fields}}
            response = self._send(
                "POST",
                f"{_API}/checkpoints",
                headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
                timeout=UPLOAD_TIMEOUT_SECONDS,
                retry=True,
                **content,
            )
        return read(response, Job)

    def link(self, file: Artifact | Checkpoint, *, seconds: int = 900) -> FileLink:
        """An address of the file for a browser or another program, which needs no key."""
        path = f"{file.download.removesuffix('/download')}/link"
        return read(self._send("POST", path, json={"seconds": seconds}), FileLink)

    def retention(self, experiment_id: str) -> Retention:
        """Which checkpoints garbage collection keeps of an experiment."""
        return self._get(f"{_API}/experiments/{segment(experiment_id)}/retention", Retention)

    def set_retention(self, experiment_id: str, policy: Mapping[str, Any] | None) -> None:
        """Has it keep what the rules name (`best`, `last`, `every_epochs`, ...), or everything for None."""
        path = f"{_API}/experiments/{segment(experiment_id)}/retention"
        if policy is None:
            self._send("DELETE", path, retry=True)
        else:
            self._send("PUT", path, json=dict(policy), retry=True)

    def garbage(self) -> GarbagePlan:
        """What garbage collection would delete, and why. Nothing is deleted."""
        response = self._send("POST", f"{_API}/gc", timeout=COLLECT_TIMEOUT_SECONDS, retry=True)
        return read(response, GarbagePlan)

    def collect_garbage(self, plan: str) -> GarbagePlan:
        """Deletes what the plan of that name lists; an ApiError (409) where that has changed."""
        query = {"dry_run": "false", "plan": plan}
        response = self._send("POST", f"{_API}/gc", params=query, timeout=COLLECT_TIMEOUT_SECONDS)
        return read(response, GarbagePlan)

    def usage(self) -> Usage:
        """What the stored files take, by kind and by experiment."""
        return self._get(f"{_API}/usage", Usage)
