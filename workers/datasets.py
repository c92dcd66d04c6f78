"""The data of a claimed job, where this host has them: a data set, or pictures at a path."""

from dataclasses import replace
from pathlib import Path

from frs_core.archives import ArchiveError, Limits, kept
from frs_core.datasets.roots import escaping_links, outside
from frs_core.errors import PictureError
from frs_core.prediction.pictures import check_place
from frs_core.spec import PredictSpec, PreflightSpec, dataset_of, with_dataset
from service.artifacts import ArtifactStore
from service.db.ledger import Claim
from service.settings import Settings


class RefusedDatasetError(ValueError):
    """Data that this host's settings do not let a job read."""


def placed(claim: Claim, store: ArtifactStore, settings: Settings) -> Claim:
    """The claim with the root of its data set on this host; an archive is unpacked at its first use.

    Raises RefusedDatasetError for what lies outside FRS_DATASET_ROOTS, ArtifactError and OSError.
    """
    if isinstance(claim.spec, PredictSpec):
        _check_pictures(claim.spec, settings)
    dataset = dataset_of(claim.spec)
    if dataset is None or not dataset.root:
        return claim
    if dataset.uploaded_id is None:
        _check_roots(claim, dataset.root, settings)
        return claim
    archive = claim.archive
    assert archive is not None, "the ledger refuses a job whose archive is gone"

    def fetch(path: Path) -> None:
        store.fetch(archive.uri, path, archive.sha256)

    try:
        limits = Limits(max_bytes=settings.max_dataset_bytes)
        folder = kept(settings.uploaded_dir / dataset.uploaded_id, fetch, limits)
    except ArchiveError as error:
        raise RefusedDatasetError(f"the archive of {dataset.registered}: {error}") from error
    return replace(claim, spec=with_dataset(claim.spec, dataset.at(str(folder))))


def _check_pictures(spec: PredictSpec, settings: Settings) -> None:
    if spec.path is None:
        return
    try:
        check_place(spec.path, settings.dataset_roots)
    except PictureError as error:
        raise RefusedDatasetError(str(error)) from error


def _check_roots(claim: Claim, root: str, settings: Settings) -> None:
    if outside(root, settings.dataset_roots):
        raise RefusedDatasetError(
            f"{root} is in none of the folders that FRS_DATASET_ROOTS of this worker names; move the data set"
        )
    if isinstance(claim.spec, PreflightSpec) and Path(root).is_dir():
        links = escaping_links(root, settings.dataset_roots)
        if links:
            raise RefusedDatasetError(f"links of {root} lead out of FRS_DATASET_ROOTS, such as {links[0]}")
