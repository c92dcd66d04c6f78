"""Sample pictures of a registered data set, with their boxes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from service.api.dataset_views import DatasetBox, DatasetImage, DatasetImages
from service.api.datasets import Reference, VersionPath
from service.api.dependencies import Reading, Res
from service.api.images import ImageId
from service.api.problems import ProblemError
from service.api.refusals import also
from service.api.submitted_data import local_dataset
from service.datasets.resolving import full_spec
from service.db import datasets
from service.db.models import DatasetVersion
from service.db.states import DatasetState
from service.images.photographs import LONGEST, Album, HiddenError, etag, open_album, photograph

router = APIRouter(prefix="/datasets/{dataset_id}/versions/{version}/images", tags=["datasets"])
MAX_SAMPLES = 60
SplitName = Literal["train", "val", "test"]
_JPEG = {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("")
def list_dataset_images(
    session: Reading,
    resources: Res,
    dataset_id: Reference,
    version: VersionPath,
    *,
    split: SplitName = "train",
    limit: Annotated[int, Query(ge=1, le=MAX_SAMPLES)] = 12,
) -> DatasetImages:
    """Images spread evenly over a split, with their boxes; 404 where this server does not see them."""
    row = datasets.get_version(session, dataset_id, version)
    album = _album(session, resources, row, split)
    classes = (row.report or {}).get("classes", [])
    ids = list(album.records)
    step = max(1, len(ids) // limit)
    base = f"/api/v1/datasets/{row.dataset_id}/versions/{row.id}/images/{split}"
    items = tuple(_image(album, image_id, classes, base) for image_id in ids[::step][:limit])
    return DatasetImages(split=split, total=len(ids), items=items)


@router.get(
    "/{split}/{image_id}/photograph",
    responses={200: _JPEG, 304: {"description": "Not modified"}, **also(410)},
    response_class=Response,
)  # fmt: skip
def get_dataset_photograph(
    session: Reading,
    resources: Res,
    request: Request,
    *,
    dataset_id: Reference,
    version: VersionPath,
    split: SplitName,
    image_id: ImageId,
    longest: Annotated[int, Query(ge=32, le=LONGEST, description="Pixels of its longer side")] = LONGEST,
) -> Response:
    """The image as a JPEG, made smaller where it is larger; 404 where this server does not see it."""
    album = _album(session, resources, datasets.get_version(session, dataset_id, version), split)
    try:
        record = album.record(image_id)
        tag = f'"{etag(album, record, longest)}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(photograph(album, record, longest), media_type="image/jpeg", headers=headers)
    except HiddenError as error:
        raise ProblemError(404, "photograph-hidden", str(error)) from error


def _album(session: Reading, resources: Res, row: DatasetVersion, split: str) -> Album:
    if row.state is not DatasetState.READY:
        raise ProblemError(
            409, "dataset-not-ready", f"the version is {row.state.value}; it has no pictures yet"
        )
    spec = full_spec(session, row)
    visible = resources.settings.datasets_visible or spec.uploaded_id is not None or not spec.root
    try:
        plain = local_dataset(resources, spec) if visible else spec
        return open_album(
            resources.recorded, plain.model_dump(mode="json"), split, visible=visible, imported=False
        )
    except HiddenError as error:
        raise ProblemError(404, "photograph-hidden", str(error)) from error


def _image(album: Album, image_id: int, classes: list[str], base: str) -> DatasetImage:
    record, truth = album.records[image_id], album.truth
    own = (truth.image_id == image_id).nonzero()[0]
    boxes = tuple(
        DatasetBox(
            label=classes[int(truth.label[index])],
            bbox=tuple(map(float, truth.boxes[index])),
            crowd=bool(truth.crowd[index]),
        )
        for index in own
    )
    return DatasetImage(
        id=record.id,
        name=record.name,
        width=record.width,
        height=record.height,
        boxes=boxes,
        photograph=f"{base}/{record.id}/photograph",
    )
