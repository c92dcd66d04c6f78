"""What is said of data sets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from frs_core.datasets.records import DatasetReport
from frs_core.datasets.statistics import DatasetStatistics
from frs_core.spec.dataset import DatasetSpec
from service.db.models import Dataset, DatasetVersion
from service.db.states import DatasetState


class DatasetFault(BaseModel):
    """Something wrong with the data. A warning does not keep them from being used."""

    model_config = ConfigDict(frozen=True)

    severity: Literal["error", "warning"]
    code: str
    field: str
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()


class DatasetVersionView(BaseModel):
    """One content of a data set. `number` and `reference` are there when it is ready.

    `root` is the folder on the machines of the service; of one that was sent it is left out.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    dataset: str
    number: int | None
    reference: str | None
    state: DatasetState
    source: Literal["folder", "upload"]
    format: str
    root: str | None
    train: str
    val: str
    test: str | None
    content_hash: str | None
    same_as: str | None
    archive_bytes: int | None
    reason: str | None
    classes: tuple[str, ...]
    images: Mapping[str, int]
    faults: tuple[DatasetFault, ...]
    statistics: DatasetStatistics | None
    num_jobs: int
    created_at: datetime
    checked_at: datetime | None

    @classmethod
    def of(cls, row: DatasetVersion, name: str, num_jobs: int = 0) -> "DatasetVersionView":
        """The view of a row."""
        spec = DatasetSpec.model_validate(row.spec)
        report = None if row.report is None else DatasetReport.model_validate(row.report)
        found = None if row.statistics is None else DatasetStatistics.model_validate(row.statistics)
        is_upload = spec.uploaded_id is not None
        return cls(
            id=row.id,
            dataset=name,
            number=row.number,
            reference=None if row.number is None else f"{name}@{row.number}",
            state=row.state,
            source="upload" if is_upload else "folder",
            format=spec.format,
            root=None if is_upload else spec.root,
            train=spec.train,
            val=spec.val,
            test=spec.test,
            content_hash=row.content_hash,
            same_as=row.same_as_id,
            archive_bytes=row.archive_bytes,
            reason=row.reason,
            classes=() if report is None else report.classes,
            images={} if report is None else {key: split.images for key, split in report.splits.items()},
            faults=_faults(report),
            statistics=found,
            num_jobs=num_jobs,
            created_at=row.created_at,
            checked_at=row.checked_at,
        )


class DatasetView(BaseModel):
    """A data set with its versions, the newest first. What failed or still waits has no number."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None
    versions: tuple[DatasetVersionView, ...]

    @classmethod
    def of(cls, row: Dataset, uses: Mapping[str, int]) -> "DatasetView":
        """The view of a row whose versions are loaded; those that are as another is are left out."""
        rows = [each for each in reversed(row.versions) if each.same_as_id is None]
        versions = (DatasetVersionView.of(each, row.name, uses.get(each.id, 0)) for each in rows)
        return cls(
            id=row.id,
            name=row.name,
            created_at=row.created_at,
            archived_at=row.archived_at,
            versions=tuple(versions),
        )

    @property
    def newest(self) -> DatasetVersionView | None:
        """The ready version with the highest number."""
        ready = [version for version in self.versions if version.number is not None]
        return max(ready, key=lambda version: version.number or 0, default=None)


class DatasetBox(BaseModel):
    """One annotated box, x, y, width, height in pixels."""

    model_config = ConfigDict(frozen=True)

    label: str
    bbox: tuple[float, float, float, float]
    crowd: bool


class DatasetImage(BaseModel):
    """One image of a split; `photograph` is the address of the image itself."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    width: int
    height: int
    boxes: tuple[DatasetBox, ...]
    photograph: str


class DatasetImages(BaseModel):
    """Images spread evenly over a split of `total`."""

    model_config = ConfigDict(frozen=True)

    split: str
    total: int
    items: tuple[DatasetImage, ...]


def _faults(report: DatasetReport | None) -> tuple[DatasetFault, ...]:
    if report is None:
        return ()
    errors = (DatasetFault(severity="error", **fault.model_dump()) for fault in report.errors)
    warnings = (DatasetFault(severity="warning", **fault.model_dump()) for fault in report.warnings)
    return (*errors, *warnings)
