"""Finds which route a request is for before anything of it is read, and what that route asks for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.convertors import Convertor
from starlette.routing import compile_path
from starlette.types import Scope

from service.access.policy import PUBLIC, RULES, Rule
from service.db.owners import OWNERS


class UnruledRouteError(RuntimeError):
    """The application has routes of which service/access/policy.py does not say who may use them."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The route of a request, with the parts of its path. `rule` is None for a public one."""

    name: str
    rule: Rule | None
    params: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A route: its name, its path as it was declared, and its methods; None stands for all."""

    name: str
    path: str
    methods: frozenset[str] | None
    pattern: re.Pattern[str]
    convertors: Mapping[str, Convertor[Any]]

    @property
    def rule(self) -> Rule | None:
        """What it asks for; None for a public one."""
        return RULES.get(self.name)

    @property
    def params(self) -> frozenset[str]:
        """The names of the parts of its path."""
        return frozenset(self.convertors)


class RouteTable:
    """All routes in the application's order. Raises UnruledRouteError for one without a rule."""

    def __init__(self, app: FastAPI) -> None:
        self.entries = tuple(_entry(context) for context in iter_route_contexts(app.routes))
        faults = [*_faults(self.entries)]
        if faults:
            raise UnruledRouteError(f"service/access/policy.py: {'; '.join(faults)}")

    def find(self, scope: Scope) -> Found | None:
        """The first route with that path and method; None where the application will answer 404 or 405."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        for entry in self.entries:
            matched = entry.pattern.match(path)
            if matched and (entry.methods is None or scope["method"] in entry.methods):
                given = matched.groupdict().items()
                params = {name: entry.convertors[name].convert(text) for name, text in given}
                return Found(name=entry.name, rule=entry.rule, params=params)
        return None


def _entry(context: RouteContext) -> Entry:
    path, methods = str(context.path), context.methods
    is_mount = methods is None
    pattern, _, convertors = compile_path(f"{path.rstrip('/')}/{{path:path}}" if is_mount else path)
    return Entry(
        name=str(context.name),
        path=path,
        methods=None if methods is None else frozenset(methods),
        pattern=pattern,
        convertors=convertors,
    )


def _faults(entries: tuple[Entry, ...]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for entry in entries:
        if seen.get(entry.name, entry.path) != entry.path:
            yield f"two routes are called {entry.name}, one of them {entry.path}: rename it"
        elif entry.name in PUBLIC and entry.name in RULES:
            yield f"{entry.name} is public and has a rule: keep one"
        elif entry.name not in PUBLIC and entry.name not in RULES:
            yield f"{entry.name} ({entry.path}) has no rule: add it to RULES"
        elif entry.name in RULES and RULES[entry.name].own and not entry.params & OWNERS.keys():
            yield f"{entry.name} is for owners, and its path {entry.path} names nothing that has one"
        seen[entry.name] = entry.path
