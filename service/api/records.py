"""What the API answers with about what a job has recorded. Full precision; nothing is rounded."""

from datetime import datetime
from typing import Any

from frs_core.events import ClassScores
from service.api.views import View
from service.db.states import AttemptState


class AttemptView(View):
    """One try at a job."""

    id: str
    worker_id: str | None
    token: int
    state: AttemptState
    host: str | None
    pid: int | None
    started_at: datetime
    heartbeat_at: datetime
    lease_expires_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    signal: int | None
    reason_code: str | None
    reason: str | None
    resumed_from_step: int | None
    environment: dict[str, Any] | None


class EvaluationView(View):
    """COCO numbers of one checkpoint on one split, as fractions; null where COCO has none."""

    id: str
    job_id: str
    split: str
    step: int
    epoch: int
    evaluator: str
    dataset_hash: str
    num_images: int
    num_boxes: int
    metrics: dict[str, float | None]
    per_class: dict[str, ClassScores]
    created_at: datetime


class FileView(View):
    """A stored file; `download` is its path on this server."""

    id: str
    job_id: str
    sha256: str
    size_bytes: int
    created_at: datetime
    download: str


class CheckpointView(FileView):
    """A checkpoint: `state` resumes, `weights` are trained tensors, `export` is a stock mmdet checkpoint."""

    kind: str
    step: int
    epoch: int
    details: dict[str, Any]


class ArtifactView(FileView):
    """Another file of a job."""

    name: str
    media_type: str


class MetricPointView(View):
    """One value; null with its kind in `nonfinite` where it was not a finite number. `time`: seconds, UTC."""

    step: int
    value: float | None
    nonfinite: str | None
    time: float


class MetricSeriesView(View):
    """A named series; `num_points` counts those recorded behind `after`, of which `points` may be an even
    selection.
    """

    name: str
    num_points: int
    points: tuple[MetricPointView, ...]


class ChartView(View):
    """A series in buckets of `width` steps; null where a bucket has no finite value.

    `steps` is the last recorded step of each bucket and `last` its value; `num_nonfinite` counts the points
    that were no finite number.
    """

    name: str
    width: int
    steps: tuple[int, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    last: tuple[float | None, ...]
    num_nonfinite: tuple[int, ...]


class LogView(View):
    """Log text after `after`. Ask again with `next_after` until `finished`."""

    text: str
    next_after: str
    finished: bool


class LogTailView(View):
    """The last lines of a log, in order, and `before` for those before them; null at its beginning."""

    lines: tuple[str, ...]
    before: str | None
