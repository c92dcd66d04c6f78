"""Published numbers beside a comparison's own, cited with their source."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from frs_core.events import COCO_METRICS
from frs_core.spec.base import Name
from frs_core.spec.faults import fault
from frs_core.spec.score import Line
from service.api.bodies import JsonRoute
from service.api.dependencies import RowLabel, Writing, json_only
from service.api.views import View
from service.db import outside, queries

router = APIRouter(prefix="/experiments", route_class=JsonRoute, tags=["comparison"])
_ADDRESS = re.compile(r"https?://[!-~]+")


def _in_fractions(value: float) -> float:
    if value > 1:
        raise ValueError(f"give a fraction, {value / 100:g}, not points")
    return value


def _web_address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("give an address that begins with https:// or http://, without spaces")
    return value


Fraction = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False), AfterValidator(_in_fractions)]
Address = Annotated[str, Field(max_length=2000), AfterValidator(_web_address)]


class Citation(BaseModel):
    """A row of published numbers: fractions by COCO's names, `ap` among them, and where they are from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Name
    metrics: dict[str, Fraction]
    source: Line = Field(description="The text of the citation")
    url: Address | None = None

    @model_validator(mode="after")
    def _names_are_cocos(self) -> "Citation":
        for name in self.metrics:
            if name not in COCO_METRICS:
                raise fault(f"metrics.{name}", name, f"no such metric; known: {', '.join(COCO_METRICS)}")
        if "ap" not in self.metrics:
            raise fault("metrics.ap", None, "required, and absent; add it")
        return self


class CitedView(View):
    """A cited row as it is kept."""

    label: str
    metrics: dict[str, float]
    source: str
    url: str | None


@router.post("/{experiment_id}/cited", status_code=201, dependencies=[Depends(json_only)])
def cite(session: Writing, experiment_id: str, body: Citation) -> CitedView:
    """Show published numbers as a row that is marked as cited, and never compared with the others."""
    experiment = queries.get_experiment(session, experiment_id)
    row = outside.cite(
        session, experiment.id, label=body.label, metrics=body.metrics, source=body.source, url=body.url
    )
    return CitedView.model_validate(row)


@router.delete("/{experiment_id}/cited/{label:path}", status_code=204)
def uncite(session: Writing, experiment_id: str, label: RowLabel) -> Response:
    """Take a cited row away."""
    experiment = queries.get_experiment(session, experiment_id)
    outside.uncite(session, experiment.id, label)
    return Response(status_code=204)
