"""The verbs by which workers change the database.

Each takes a session first and belongs to the caller's transaction: `with factory.begin() as session: ...`.
"""

from service.db.claims import Claim, StoredFile, StoredInput, claim, has_claimable
from service.db.endings import Ending, cancel_experiment, expire_leases, finish, request_cancel
from service.db.fleet import beat_worker, register_worker, retire_worker
from service.db.leases import Lease, StaleLeaseError
from service.db.recording import (
    append_log,
    heartbeat,
    record,
    record_artifact,
    record_checkpoint,
    record_process,
)

__all__ = [
    "Claim",
    "Ending",
    "Lease",
    "StaleLeaseError",
    "StoredFile",
    "StoredInput",
    "append_log",
    "beat_worker",
    "cancel_experiment",
    "claim",
    "expire_leases",
    "finish",
    "has_claimable",
    "heartbeat",
    "record",
    "record_artifact",
    "record_checkpoint",
    "record_process",
    "register_worker",
    "request_cancel",
    "retire_worker",
]
