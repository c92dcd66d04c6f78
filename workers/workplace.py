"""What a worker lends to a job."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore
from service.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What a supervisor works with. `gpus` are the job's; `draining` says that it must stop.

    `device_locks` are descriptors that keep the job's GPUs from others, for its run to share.
    `operators` says whether the mmcv of its children has its compiled operators.
    """

    settings: Settings
    sessions: sessionmaker[Session]
    store: ArtifactStore
    gpus: Sequence[str]
    num_threads: int
    draining: Callable[[], bool]
    child_command: Sequence[str]
    operators: bool = False
    device_locks: Sequence[int] = ()
