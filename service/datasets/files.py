"""The files of data sets that were sent as archives: in the store, and unpacked on this host."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session, sessionmaker

from frs_core.archives import Limits, discard, discard_unfinished, discard_unknown, kept
from frs_core.spec.dataset import DatasetSpec
from service.artifacts import ArtifactStore, remove_unnamed
from service.db.datasets import with_files
from service.db.models import DatasetVersion
from service.settings import Settings

FOLDER = "datasets"
ORPHAN_AGE = timedelta(days=1)
"""An archive is recorded within moments of being stored; one that was not for so long never will be."""
_log = structlog.get_logger(__name__)


def archive_key(version_id: str) -> str:
    """Where the store keeps the archive of a version: under an id of ours, whatever its sender called it."""
    return f"{FOLDER}/{version_id}/archive"


def limits(settings: Settings) -> Limits:
    """How much may come out of an archive."""
    return Limits(max_bytes=settings.max_dataset_bytes)


def located(row: DatasetVersion, store: ArtifactStore, settings: Settings) -> DatasetSpec:
    """The version with its root on this host; an archive is unpacked at its first use.

    Raises frs_core.archives.ArchiveError, ArtifactError and OSError.
    """
    dataset = DatasetSpec.model_validate(row.spec)
    if dataset.uploaded_id is None:
        return dataset
    uri, sha256 = row.archive_uri, row.archive_sha256
    assert uri is not None
    assert sha256 is not None

    def fetch(path: Path) -> None:
        store.fetch(uri, path, sha256)

    folder = kept(settings.uploaded_dir / dataset.uploaded_id, fetch, limits(settings))
    return dataset.at(str(folder))


def forget(row: DatasetVersion, store: ArtifactStore, settings: Settings) -> None:
    """Remove the archive of a version that is no more, and what this host unpacked of it."""
    if row.archive_uri is None:
        return
    discard(settings.uploaded_dir / row.id)
    remove_unnamed(store, [row.archive_uri])


def remove_unknown_datasets(
    factory: sessionmaker[Session],
    store: ArtifactStore,
    settings: Settings,
    *,
    older_than: timedelta = ORPHAN_AGE,
) -> None:
    """Remove archives and folders of versions that are no more, or came to nothing.

    Raises ArtifactError, OSError.
    """

    def known(ids: Collection[str]) -> Collection[str]:
        with factory() as session:
            return with_files(session, ids)

    moment = datetime.now(UTC) - older_than
    store.discard_unfinished(moment, under=FOLDER)
    uris = {uri.split("/")[-2]: uri for uri in store.written_before(moment, under=FOLDER)}
    orphans = set(uris) - set(known(uris)) if uris else set()
    for version_id in orphans:
        store.delete(uris[version_id])
    removed = [*orphans, *discard_unknown(settings.uploaded_dir, known)]
    if removed:
        _log.info("datasets.removed", versions=removed)


def remove_unfinished(settings: Settings) -> None:
    """Remove what killed processes of this host left half done. Whatever stays is tried at the next start."""
    try:
        removed = discard_unfinished(settings.uploaded_dir)
    except OSError as error:
        _log.warning("datasets.unfinished_kept", error=str(error))
        return
    if removed:
        _log.info("datasets.unfinished_removed", names=removed)
