"""The verbs by which workers change the database.

Each takes a session first and belongs to the caller's transaction: `with factory.begin() as session: ...`.
"""

from service.db.claims import Claim, claim
from service.db.control import (
    ControlError,
    cancel_experiment,
    pause_experiment,
    prioritise_experiment,
    request_cancel,
    request_pause,
    request_resume,
    resume_experiment,
    set_priority,
)
from service.db.endings import Ending, abandon, expire_leases, finish
from service.db.fleet import beat_worker, drain_worker, register_worker, retire_worker
from service.db.leases import Lease, StaleLeaseError
from service.db.queue import has_claimable
from service.db.recording import (
    append_log,
    forget_checkpoint,
    heartbeat,
    record,
    record_artifact,
    record_checkpoint,
    record_process,
)
from service.db.stored import StoredFile, StoredInput

__all__ = [
    "Claim",
    "ControlError",
    "Ending",
    "Lease",
    "StaleLeaseError",
    "StoredFile",
    "StoredInput",
    "abandon",
    "append_log",
    "beat_worker",
    "cancel_experiment",
    "claim",
    "drain_worker",
    "expire_leases",
    "finish",
    "forget_checkpoint",
    "has_claimable",
    "heartbeat",
    "pause_experiment",
    "prioritise_experiment",
    "record",
    "record_artifact",
    "record_checkpoint",
    "record_process",
    "register_worker",
    "request_cancel",
    "request_pause",
    "request_resume",
    "resume_experiment",
    "retire_worker",
    "set_priority",
]
