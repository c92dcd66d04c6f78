"""Data sets that were sent as archives are part of a backup."""

from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from frs_core.files import file_sha256
from frs_core.spec import DatasetSpec
from service.artifacts import open_store
from service.datasets.files import archive_key
from service.db import datasets
from service.db.dump import FILE_COLUMNS
from service.db.models import Base, DatasetVersion
from service.db.states import DatasetState
from service.db.types import new_id
from service.operate.backup import back_up
from service.operate.restore import restore
from service.settings import Settings
from tests.fixtures.restores import quiet
from tests.fixtures.s3_server import S3Bucket


def test_data_sets_that_were_sent_go_along_into_another_store(
    settings: Settings,
    other: Settings,
    sessions: sessionmaker[Session],
    restored: sessionmaker[Session],
    moto_bucket: S3Bucket,
    tmp_path: Path,
) -> None:
    first, last = sorted([new_id(), new_id()])
    kept = _send(sessions, settings, tmp_path, DatasetState.READY, version_id=last)
    # it refers to a row behind it
    same = _send(sessions, settings, tmp_path, DatasetState.READY, version_id=first, same_as_id=kept)
    failed = _send(sessions, settings, tmp_path, DatasetState.FAILED)
    lost = _send(sessions, settings, tmp_path, DatasetState.READY)
    store = open_store(settings.resolved_artifacts_url)
    for version_id in (same, failed, lost):
        store.delete(f"file:{archive_key(version_id)}")
    path, manifest = back_up(settings, tmp_path / "made.backup", with_contents=True, say=quiet)
    assert (manifest.files.num_lines, manifest.missing) == (2, (f"file:{archive_key(lost)}",))

    other = other.model_copy(update={"artifacts_url": moto_bucket.address})
    done = restore(other, path, quick=False, say=quiet)
    assert (done.num_copied, done.missing, done.dropped) == (1, manifest.missing, ())
    with restored() as session:
        row = session.get_one(DatasetVersion, kept)
        assert row.archive_uri == f"s3:{archive_key(kept)}"
        open_store(moto_bucket.address).fetch(row.archive_uri, tmp_path / "back", row.archive_sha256 or "")
    assert (tmp_path / "back").read_bytes() == kept.encode()


def test_every_table_that_names_stored_files_is_known_to_backups() -> None:
    naming = {
        name: {column.name for column in table.columns if column.name.split("_")[-1] == "uri"}
        for name, table in Base.metadata.tables.items()
    }
    known = {name: {uri} for name, (uri, _, _) in FILE_COLUMNS.items()}
    assert {name: columns for name, columns in naming.items() if columns} == known


def _send(
    sessions: sessionmaker[Session],
    settings: Settings,
    folder: Path,
    state: DatasetState,
    *,
    version_id: str = "",
    same_as_id: str | None = None,
) -> str:
    """A version whose archive holds the version's id; gives that."""
    version_id, source = version_id or new_id(), folder / "archive"
    source.write_text(version_id)
    sha256, size_bytes = file_sha256(source), source.stat().st_size
    uri = open_store(settings.resolved_artifacts_url).put(source, archive_key(version_id), sha256)
    with sessions.begin() as session:
        row, _ = datasets.register_archive(
            session, "cells", DatasetSpec(format="voc"), archive=(uri, sha256, size_bytes),
            version_id=version_id, owner_key_id=None,
        )  # fmt: skip
        row.state, row.same_as_id = state, same_as_id
    return version_id
