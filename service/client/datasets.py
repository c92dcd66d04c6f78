"""Registered data sets: what the server says of one, and the client's verbs for them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from service.client.base import Answer, Page
from service.client.transport import Transport, read, segment

_DATASETS = "/api/v1/datasets"
UPLOAD_TIMEOUT_SECONDS = 3600.0
POLL_SECONDS = 0.5
_CHUNK_BYTES = 2**20


class DatasetFault(Answer):
    """Something wrong with a data set; a `warning` does not keep it from being used."""

    severity: str
    code: str
    field: str
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()


class DatasetVersion(Answer):
    """One content of a data set. `reference`, which a specification names, is there when it is ready."""

    id: str
    dataset: str
    number: int | None = None
    reference: str | None = None
    state: str
    source: str
    format: str
    root: str | None = None
    content_hash: str | None = None
    same_as: str | None = None
    reason: str | None = None
    classes: tuple[str, ...] = ()
    images: Mapping[str, int] = Field(default_factory=dict)
    faults: tuple[DatasetFault, ...] = ()
    statistics: Mapping[str, Any] | None = None
    num_jobs: int = 0
    created_at: datetime
    checked_at: datetime | None = None

    @property
    def checked(self) -> bool:
        """Whether it will not change by itself any more."""
        return self.state in ("ready", "failed")


class Dataset(Answer):
    """A data set with its versions, the newest first."""

    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None = None
    versions: tuple[DatasetVersion, ...] = ()

    @property
    def newest(self) -> DatasetVersion | None:
        """The ready version with the highest number."""
        ready = [version for version in self.versions if version.number is not None]
        return max(ready, key=lambda version: version.number or 0, default=None)


class DatasetVerbs(Transport):
    """Registers, looks at and deletes data sets."""

    def datasets(self, *, archived: bool = False) -> Sequence[Dataset]:
        """All data sets by name; the archived ones where asked for."""
        return self._get(_DATASETS, Page[Dataset], {"archived": str(archived).lower()}).items

    def dataset(self, name: str) -> Dataset:
        """One data set by its name or id."""
        return self._get(f"{_DATASETS}/{segment(name)}", Dataset)

    def dataset_version(self, name: str, version: str | int) -> DatasetVersion:
        """One version by its number or id."""
        return self._get(f"{_DATASETS}/{segment(name)}/versions/{segment(str(version))}", DatasetVersion)

    def register_dataset(self, name: str, dataset: Mapping[str, Any]) -> DatasetVersion:
        """Registers a folder that the server's machines see; `dataset` is as in an experiment.

        It is checked in the background: see `wait_for_dataset`.
        """
        body = {"name": name, **dataset}
        return read(self._send("POST", _DATASETS, json=body, retry=True), DatasetVersion)

    def upload_dataset(
        self,
        name: str,
        archive: Path,
        dataset: Mapping[str, Any],
        *,
        watch: Callable[[int], None] | None = None,
    ) -> DatasetVersion:
        """Sends a zip, tar or tar.gz; `watch` is told how many bytes went since it was told before.

        Also raises OSError.
        """
        query = {"name": name, **{key: value for key, value in dataset.items() if key != "options"}}
        if dataset.get("options"):
            query["options"] = json.dumps(dataset["options"])
        response = self._send(
            "POST",
            f"{_DATASETS}/upload",
            params=query,
            content=_chunks(archive, watch),
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Length": str(archive.stat().st_size),
            },
            timeout=UPLOAD_TIMEOUT_SECONDS,
        )
        return read(response, DatasetVersion)

    def wait_for_dataset(self, version: DatasetVersion) -> DatasetVersion:
        """The version when it has been checked: ready, or failed with its faults."""
        while not version.checked:
            time.sleep(POLL_SECONDS)
            version = self.dataset_version(version.dataset, version.id)
        return version

    def archive_dataset(self, name: str, *, archived: bool = True) -> Dataset:
        """Takes a data set out of the lists, so that no new job names it, or puts it back."""
        verb = "archive" if archived else "unarchive"
        return read(self._send("POST", f"{_DATASETS}/{segment(name)}/{verb}"), Dataset)

    def delete_dataset(self, name: str, version: str | int | None = None) -> None:
        """Deletes a data set, or one version of it, that no job reads."""
        part = "" if version is None else f"/versions/{segment(str(version))}"
        self._send("DELETE", f"{_DATASETS}/{segment(name)}{part}")


def _chunks(path: Path, watch: Callable[[int], None] | None) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
            if watch is not None:
                watch(len(chunk))
