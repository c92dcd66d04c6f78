"""Every metric of ours: its name, kind, labels and meaning. Documents and dashboards are held against it.

A label has few values: a route is its template, a reason one of `REASONS`.
"""

from dataclasses import dataclass
from enum import StrEnum

REASONS = frozenset(
    {
        "below_min_ap", "cancelled", "crash", "dataset_refused", "disk_full", "invalid_checkpoint",
        "invalid_dataset", "invalid_picture", "invalid_predictions", "invalid_spec", "killed", "lease_lost",
        "nonfinite_loss", "operator_missing", "out_of_memory", "paused", "run_limit", "stall_limit",
        "start_limit", "state_damaged", "stopped", "storage_failed", "unexpected_ap", "user_error",
        "weights_refused", "worker_died", "worker_error", "worker_stopped",
    }
)  # fmt: skip
"""Why attempts end; what else a run may say counts as `other`, and no reason as `none`."""


class Kind(StrEnum):
    """How Prometheus takes a metric."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Family:
    """One metric. `shared` ones are read from the database, so that every API process tells the same."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    shared: bool = True


BUILD_INFO = Family("frs_build_info", Kind.GAUGE, "1, with the version that runs", ("version",), shared=False)
HTTP_SECONDS = Family(
    "frs_http_request_seconds",
    Kind.HISTOGRAM,
    "Time to answer a request; of an event stream, until it begins",
    ("method", "route", "status"),
    shared=False,
)
HTTP_STREAMS = Family("frs_http_streams_open", Kind.GAUGE, "Event streams that are open", shared=False)
STORE_ERRORS = Family(
    "frs_store_errors_total",
    Kind.COUNTER,
    "Uses of the artifact store by this API process that failed",
    ("operation",),
    shared=False,
)
DATABASE_UP = Family("frs_database_up", Kind.GAUGE, "1 where the database answered, else 0")
JOBS = Family("frs_jobs", Kind.GAUGE, "Jobs, of all time, by the state they are in", ("kind", "state"))
JOBS_OLDEST = Family(
    "frs_jobs_oldest_seconds",
    Kind.GAUGE,
    "Age of the oldest unfinished job: since it was queued, started, or else submitted",
    ("kind", "state"),
)
CLAIMS = Family("frs_claims_recent", Kind.GAUGE, "Attempts begun in the last five minutes")
ENDINGS = Family(
    "frs_attempt_endings_recent",
    Kind.GAUGE,
    "Attempts ended in the last five minutes; outcome `lost` is a lost lease, reason `storage_failed` a "
    "worker's trouble with the store",
    ("outcome", "reason"),
)
ATTEMPTS = Family("frs_attempts_running", Kind.GAUGE, "Attempts that hold a lease")
LEASES_EXPIRED = Family(
    "frs_leases_expired", Kind.GAUGE, "Running attempts whose lease ran out and was not yet taken away"
)
LEASE_SILENCE = Family(
    "frs_lease_silence_seconds", Kind.GAUGE, "Longest time since a running attempt was heard of"
)
RELAY_UNSENT = Family("frs_relay_unsent", Kind.GAUGE, "Wake-ups that are due and not sent to the broker")
RELAY_LAG = Family("frs_relay_lag_seconds", Kind.GAUGE, "How long the oldest of them has been due")
DELIVERY_TRIES = Family(
    "frs_webhook_tries_recent",
    Kind.GAUGE,
    "Requests to webhooks in the last five minutes: delivered, refused by an answer, or unreachable",
    ("outcome",),
)
DELIVERIES_DUE = Family("frs_webhook_deliveries_due", Kind.GAUGE, "Deliveries that are due and not made")
DELIVERY_LAG = Family(
    "frs_webhook_lag_seconds", Kind.GAUGE, "How long the oldest of them, or an untold end, has been due"
)
MIRROR_FAILING = Family(
    "frs_mlflow_runs_failing", Kind.GAUGE, "Runs of which the MLflow server refused something"
)
WORKERS = Family("frs_workers", Kind.GAUGE, "Workers: online, or lost without a word", ("state",))
WORKERS_DRAINING = Family("frs_workers_draining", Kind.GAUGE, "Online workers that take no more jobs")
WORKER_SILENCE = Family(
    "frs_worker_heartbeat_age_seconds",
    Kind.GAUGE,
    "Time since an online worker was heard of",
    ("worker", "host"),
)
WORKER_CPU = Family(
    "frs_worker_cpu_ratio", Kind.GAUGE, "Load of a worker's host for each processor", ("worker", "host")
)
WORKER_MEMORY = Family(
    "frs_worker_memory_ratio", Kind.GAUGE, "Memory in use of a worker's host", ("worker", "host")
)
GPUS = Family("frs_gpus", Kind.GAUGE, "GPUs that the online workers lend")
GPUS_BUSY = Family("frs_gpus_busy", Kind.GAUGE, "GPUs that running jobs hold")
GPU_BUSY = Family(
    "frs_gpu_busy_ratio", Kind.GAUGE, "Share of time in which a GPU computed", ("worker", "host", "gpu")
)
GPU_MEMORY = Family("frs_gpu_memory_ratio", Kind.GAUGE, "Memory in use of a GPU", ("worker", "host", "gpu"))
TRAINING_JOBS = Family(
    "frs_training_jobs", Kind.GAUGE, "Running jobs that train now and said how fast", ("kind",)
)
TRAINING_STEPS = Family(
    "frs_training_steps_per_second", Kind.GAUGE, "Optimizer steps of those jobs together", ("kind",)
)
TRAINING_IMAGES = Family(
    "frs_training_images_per_second", Kind.GAUGE, "Images of those jobs together", ("kind",)
)
CHORE_RUNS = Family("frs_chore_runs_total", Kind.COUNTER, "Runs of a keeper's chore", ("chore",))
CHORE_FAILURES = Family(
    "frs_chore_failures_total", Kind.COUNTER, "Those in which database, broker or store was away", ("chore",)
)
CHORE_SUCCESS = Family(
    "frs_chore_last_success_timestamp_seconds", Kind.GAUGE, "When a chore last went well", ("chore",)
)

FAMILIES: tuple[Family, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Family))


def known_reason(reason: str | None) -> str:
    """A reason as a label: itself, `none`, or `other`."""
    if reason is None:
        return "none"
    return reason if reason in REASONS else "other"


def table() -> str:
    """The metrics as a Markdown table, for the operator's guide."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for each in FAMILIES:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append(f"| `{each.name}` | {each.kind} | {labels} | {each.meaning} |")
    return "\n".join(rows)


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{table()}\n")
