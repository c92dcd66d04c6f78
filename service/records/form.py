"""The form of a record: what is written, and what is accepted of one that comes back."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from frs_core.datasets.records import DatasetReport
from frs_core.events import COCO_METRICS, CheckpointKind, ClassScores
from frs_core.spec import ExperimentSpec, JobSpec
from frs_core.spec.base import Name

FORMAT = 1
MAX_JOBS = 1100

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PublicId = Annotated[str, Field(pattern=r"^[0-9a-z]{16}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Metric = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[ -~]+$")]
Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class SeriesRecord(_Record):
    """A metric's recorded points by rising step; a value is null with its kind in `nonfinite`."""

    steps: tuple[Count, ...]
    values: tuple[float | None, ...]
    nonfinite: dict[Count, Literal["nan", "inf", "-inf"]] = Field(default_factory=dict)


class EvaluationRecord(_Record):
    """The COCO numbers of a checkpoint on a split; fractions, unrounded."""

    split: Literal["train", "val", "test"]
    step: Count
    epoch: Count
    evaluator: str = Field(max_length=100)
    dataset_hash: Sha256
    num_images: Count
    num_boxes: Count
    metrics: dict[Literal[COCO_METRICS], float | None]  # type: ignore[valid-type]
    per_class: dict[str, ClassScores]


class CheckpointRecord(_Record):
    """What was stored, by its hash. The file itself is not in the record."""

    kind: CheckpointKind
    step: Count
    epoch: Count
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0, le=2**62)]


class KeptFile(_Record):
    """A file of the job whose bytes are in the record."""

    name: FileName
    media_type: str = Field(max_length=100, pattern=r"^[ -~]+$")
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0, le=2**31)]


class JobRecord(_Record):
    """One ended job. `search` is what was tried for its options; `environment` is of its last attempt.

    Where it took over the result of the same job, `reused_from` is that one's id in the source.
    """

    id: PublicId
    position: Count
    role: Literal["teacher", "search", "student"]
    label: Name
    spec: JobSpec
    job_key: Sha256
    state: Literal["succeeded", "failed", "cancelled", "blocked"]
    reason_code: Annotated[str, Field(max_length=64)] | None = None
    reason: Text | None = None
    reused_from: PublicId | None = None
    step: Count
    total_steps: Count
    epoch: Count
    total_epochs: Count
    num_attempts: Count
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cost: dict[str, Any] | None = None
    search: dict[str, Any] | None = None
    environment: dict[str, Any] | None = None
    evaluations: tuple[EvaluationRecord, ...] = ()
    checkpoints: tuple[CheckpointRecord, ...] = ()
    metrics: dict[Metric, SeriesRecord] = Field(default_factory=dict)
    files: tuple[KeptFile, ...] = ()


class ExperimentRecord(_Record):
    """The experiment itself, as it was submitted."""

    format: Literal[1] = FORMAT  # type: ignore[assignment]
    id: PublicId
    spec: ExperimentSpec
    dataset_report: DatasetReport | None = None
    created_at: datetime


class Recorded(_Record):
    """A whole record, without the bytes of its files."""

    experiment: ExperimentRecord
    jobs: tuple[JobRecord, ...] = Field(min_length=1, max_length=MAX_JOBS)
