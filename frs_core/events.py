"""What a run reports, one JSON object a line in `events.jsonl`.

Torch-free: the supervisor reads the lines with the same models.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from frs_core.cost import Cost
from frs_core.datasets.records import DatasetReport
from frs_core.datasets.statistics import DatasetStatistics

EVENTS_FILE = "events.jsonl"
EXIT_CODES = {"succeeded": 0, "failed": 1, "stopped": 75}
"""What the process of a run ends with, by the run's outcome."""


COCO_METRICS = (
    "ap", "ap50", "ap75", "ap_s", "ap_m", "ap_l", "ar_1", "ar_10", "ar_100", "ar_s", "ar_m", "ar_l",
)  # fmt: skip
"""The names of COCO's 12 numbers, in the order of its summary: fractions; AR at 1, 10 and 100 detections."""

ClassScores = dict[str, int | float | None]
"""What one class earned (`ap`, `ap50`, ...), and its `num_boxes`, crowds aside, in `num_images` images."""


class CheckpointKind(StrEnum):
    """`state` resumes a run; `weights` are the trained tensors; `export` is a stock mmdet checkpoint.

    `best` are the weights of the highest AP on val so far, where `weights` are those of the end.
    """

    STATE = "state"
    BEST = "best"
    WEIGHTS = "weights"
    EXPORT = "export"


Phase = Literal["starting", "training", "evaluating", "exporting", "predicting", "timing", "importing"]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    time: float = Field(description="Seconds since the epoch, UTC")


class MetricEvent(_Event):
    """Values of one step. None stands for a value that was not finite; its name is then in `nonfinite`."""

    type: Literal["metric"] = "metric"
    step: int = Field(ge=0)
    values: dict[str, float | None]
    nonfinite: dict[str, Literal["nan", "inf", "-inf"]] = Field(default_factory=dict)


class ProgressEvent(_Event):
    """Where the run is."""

    type: Literal["progress"] = "progress"
    phase: Phase
    step: int = Field(ge=0)
    total_steps: int = Field(ge=0)
    epoch: int = Field(ge=0, description="Completed epochs")
    total_epochs: int = Field(ge=0)
    eta_seconds: float | None = None


class CheckpointEvent(_Event):
    """A complete, synced file under its final name, relative to the work folder."""

    type: Literal["checkpoint"] = "checkpoint"
    kind: CheckpointKind
    path: str
    step: int = Field(ge=0)
    epoch: int = Field(ge=0)
    sha256: str
    size_bytes: int
    metadata: dict[str, Any] = Field(default_factory=dict)


class ArtifactEvent(_Event):
    """Another file worth keeping: predictions, the export's config."""

    type: Literal["artifact"] = "artifact"
    name: str
    path: str
    media_type: str
    sha256: str
    size_bytes: int


class EvaluationEvent(_Event):
    """The COCO numbers of one checkpoint on one split; fractions; None where COCO says -1."""

    type: Literal["evaluation"] = "evaluation"
    split: Literal["train", "val", "test"]
    step: int = Field(ge=0)
    epoch: int = Field(ge=0)
    evaluator: str = Field(description="Name and version, for instance faster-coco-eval 1.8.0")
    dataset_hash: str
    num_images: int
    num_boxes: int
    metrics: dict[str, float | None]
    per_class: dict[str, ClassScores] = Field(default_factory=dict)


class CostEvent(_Event):
    """What the detector costs; measured once, at the end."""

    type: Literal["cost"] = "cost"
    cost: Cost


class WarningEvent(_Event):
    """Something the user can live with but must know."""

    type: Literal["warning"] = "warning"
    code: str
    message: str
    count: int = 1
    details: dict[str, Any] = Field(default_factory=dict)


class DatasetEvent(_Event):
    """What the data set of an experiment holds, seen by the worker that looked at it first."""

    type: Literal["dataset"] = "dataset"
    report: DatasetReport
    statistics: DatasetStatistics | None = None


class EnvironmentEvent(_Event):
    """What the run ran on: versions, device, threads."""

    type: Literal["environment"] = "environment"
    values: dict[str, Any]


class ResultEvent(_Event):
    """The last line of every run that ends by itself."""

    type: Literal["result"] = "result"
    outcome: Literal["succeeded", "failed", "stopped"]
    code: str | None = None
    message: str | None = None
    field: str | None = None
    user_error: bool = False


Event = Annotated[
    MetricEvent
    | ProgressEvent
    | CheckpointEvent
    | ArtifactEvent
    | EvaluationEvent
    | CostEvent
    | WarningEvent
    | EnvironmentEvent
    | DatasetEvent
    | ResultEvent,
    Field(discriminator="type"),
]
event_adapter: TypeAdapter[Event] = TypeAdapter(Event)
