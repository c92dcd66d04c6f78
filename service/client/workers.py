"""Workers: what the server says of one, and the client's verbs for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from service.client.base import Answer, Page
from service.client.transport import Transport, segment

_WORKERS = "/api/v1/workers"


class WorkerJob(Answer):
    """A job that a worker has in hand."""

    id: str
    name: str


class Worker(Answer):
    """A worker process on a host; `usage` holds shares of 1."""

    id: str
    host: str
    pid: int
    version: str
    devices: Mapping[str, Any]
    state: str
    desired_state: str = "run"
    usage: Mapping[str, Any] | None = None
    heartbeat_at: datetime
    jobs: tuple[WorkerJob, ...] = ()


class WorkerVerbs(Transport):
    """Lists workers, and takes them out of service and back."""

    def workers(self) -> Sequence[Worker]:
        """The workers that are or were there, the one heard of last first."""
        return self._get(_WORKERS, Page[Worker]).items

    def drain_worker(self, worker_id: str, *, drain: bool = True) -> Worker:
        """Has a worker finish what it runs and take no more jobs, or take jobs again."""
        verb = "drain" if drain else "undrain"
        return self._read(self._send("POST", f"{_WORKERS}/{segment(worker_id)}/{verb}"), Worker)
