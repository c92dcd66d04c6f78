"""What can be used: methods and the zoo."""

import inspect
from typing import Annotated, Any

from fastapi import APIRouter, Query

from frs_core import methods, zoo
from service.api.views import Page, View

router = APIRouter(tags=["catalogue"])


class MethodView(View):
    """A method: the signals it reads, the schema of its options, published defaults per family."""

    name: str
    description: str
    requires: tuple[str, ...]
    options_schema: dict[str, Any]
    defaults: dict[str, dict[str, Any]]


class RefusedDetectorView(View):
    """A detector of the zoo that cannot be named in a specification; the reason is a clause about it."""

    name: str
    reason: str


@router.get("/methods")
def list_methods() -> Page[MethodView]:
    """The distillation methods, with what they need and their options."""
    return Page(items=tuple(_method(methods.get(name)) for name in methods.names()))


@router.get("/zoo")
def list_zoo(
    family: Annotated[
        str | None, Query(max_length=64, description="Only this family: retinanet, fcos, …")
    ] = None,
) -> Page[zoo.ZooEntry]:
    """The detectors that can be named in a specification."""
    entries = (zoo.entry(name) for name in zoo.names())
    return Page(items=tuple(entry for entry in entries if family in (None, entry.family)))


@router.get("/zoo/refused")
def list_refused() -> Page[RefusedDetectorView]:
    """The configs of the same zoo that are not taken, each with what it lacks."""
    known = zoo.refused()
    return Page(items=tuple(RefusedDetectorView(name=name, reason=known[name]) for name in sorted(known)))


def _method(method: methods.MethodInfo) -> MethodView:
    return MethodView(
        name=method.name,
        description=inspect.getdoc(inspect.getmodule(method.options_type)) or "",
        requires=tuple(sorted(method.requires)),
        options_schema=method.options_type.model_json_schema(),
        defaults={family: dict(values) for family, values in method.defaults.items()},
    )
