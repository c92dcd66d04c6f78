"""What Prometheus reads of this process and of the whole system."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from service.api.dependencies import Res

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_metrics(resources: Res, accept: Annotated[str, Header(max_length=1000)] = "") -> Response:
    """What this process counts and what the database holds, in the text format of Prometheus.

    Read with a viewer's key or with FRS_METRICS_TOKEN. While the database is down it holds less.
    """
    text, media_type = resources.metrics.exposition(accept)
    return Response(text, media_type=media_type)
