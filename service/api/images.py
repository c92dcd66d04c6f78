"""What each detector sees in each image of a split, and the images themselves."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator

from service.api.dependencies import Cursor, Limit, Reading, Res, no_null
from service.api.gallery import Gallery, open_gallery
from service.api.image_views import ImageDetail, ImagePage, SplitName
from service.api.problems import ProblemError
from service.api.refusals import also
from service.comparison.images import DEFAULT_THRESHOLD, Sort
from service.db import queries
from service.images.photographs import LONGEST, HiddenError, etag, photograph

router = APIRouter(prefix="/experiments/{experiment_id}/images", tags=["images"])
Row = Annotated[
    str | None,
    Query(max_length=200, description="Label of a student; by default the first that is not the baseline"),
    AfterValidator(no_null),
]
Seed = Annotated[int | None, Query(ge=0, le=2**53, description="Of that row; by default its first")]
Threshold = Annotated[float, Query(ge=0.05, le=0.95, description="Detections below this score do not count")]
Order = Annotated[
    Sort | None,
    Query(
        description="fixed: errors(baseline) - errors(row) falling; broken: the reverse; teacher: "
        "errors(row) - errors(teacher) falling; image: as they are. By default fixed where both are there"
    ),
]
ImageId = Annotated[int, Path(ge=-(2**63), lt=2**63)]
_JPEG = {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("", responses=also(410))
def list_images(
    session: Reading,
    resources: Res,
    experiment_id: str,
    *,
    split: SplitName | None = None,
    row: Row = None,
    seed: Seed = None,
    sort: Order = None,
    threshold: Threshold = DEFAULT_THRESHOLD,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ImagePage:
    """The images with the errors of teacher, baseline and one row. An error is a box that was missed, or a
    false positive, at IoU 0.5; what COCO ignores counts neither way. By default of the split reported.
    """
    start = 0 if cursor is None else _decode(cursor)
    gallery = open_gallery(session, resources, experiment_id, split=split, row=row, seed=seed)
    chosen = gallery.sort_or_default(sort)
    order = gallery.order(chosen, threshold)
    end = start + limit
    return ImagePage(
        **gallery.chosen(),
        sort=chosen,
        threshold=threshold,
        total=len(order),
        items=gallery.summaries(order[start:end], threshold),
        next_cursor=_encode(end) if end < len(order) else None,
    )


@router.get("/{split}/{image_id}", responses=also(410))
def get_image(
    session: Reading,
    resources: Res,
    experiment_id: str,
    split: SplitName,
    image_id: ImageId,
    *,
    row: Row = None,
    seed: Seed = None,
    min_score: Annotated[float, Query(ge=0, le=1, description="Leaves out detections below")] = 0.05,
) -> ImageDetail:
    """The annotated boxes of one image and what teacher, baseline and one row found in it."""
    gallery = open_gallery(session, resources, experiment_id, split=split, row=row, seed=seed)
    return gallery.detail(image_id, min_score)


@router.get(
    "/{split}/{image_id}/photograph",
    responses={200: _JPEG, 304: {"description": "Not modified"}, **also(410)},
    response_class=Response,
)  # fmt: skip
def get_photograph(
    session: Reading,
    resources: Res,
    request: Request,
    *,
    experiment_id: str,
    split: SplitName,
    image_id: ImageId,
    longest: Annotated[int, Query(ge=32, le=LONGEST, description="Pixels of its longer side")] = LONGEST,
) -> Response:
    """The image as a JPEG, made smaller where it is larger; 404 where this server does not see it."""
    gallery = open_gallery(session, resources, experiment_id, split=split)
    gallery.position(image_id)
    return _photograph(gallery, request, image_id, longest)


def _photograph(gallery: Gallery, request: Request, image_id: int, longest: int) -> Response:
    try:
        album = gallery.album()
        record = album.record(image_id)
        tag = f'"{etag(album, record, longest)}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "private, max-age=31536000, immutable",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(photograph(album, record, longest), media_type="image/jpeg", headers=headers)
    except HiddenError as error:
        raise ProblemError(404, "photograph-hidden", str(error)) from error


def _encode(start: int) -> str:
    return base64.urlsafe_b64encode(f"images:{start}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise queries.InvalidCursorError(cursor) from error
    kind, _, start = text.partition(":")
    if kind != "images" or not (start.isascii() and start.isdecimal()) or len(start) > 9:
        raise queries.InvalidCursorError(cursor)
    return int(start)
