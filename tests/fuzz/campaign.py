"""Runs Schemathesis against a server in a process of its own, as one role, for so many seconds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.engine import events, from_schema

from service.access.roles import Role
from tests.fixtures.server import serving
from tests.fuzz.roles import Judge
from tests.fuzz.world import World, make_world

ROLES = ("none", *Role)
CHECKED = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "response_headers_conformance", "unsupported_method",
    "ignored_auth", "use_after_free", "ensure_resource_availability",
)  # fmt: skip
NOT_HTTP = b"Invalid HTTP request received."
STREAMS = ("stream_events", "stream_experiment_events")
UNLIMITED = {"FRS_REQUESTS_PER_MINUTE": "10000000", "FRS_FAILED_LOGINS_PER_MINUTE": "10000000"}


@dataclass(kw_only=True)
class Outcome:
    """What came of it. `findings` are by operation, check and message, so that each is told once."""

    role: str
    num_cases: int = 0
    num_scenarios: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[tuple[str, str, str], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings and not self.errors


@contextmanager
def world_served(folder: Path) -> Iterator[tuple[World, str]]:
    """A world in an empty folder, and the address of its server."""
    world = make_world(folder)
    with serving(world.settings, folder, **UNLIMITED) as url:
        yield world, url


def campaign(world: World, url: str, role: str, *, seconds: int, seed: int) -> Outcome:
    """Ask as that role; what is another key's must be as before where the role may not change it."""
    outcome, before = Outcome(role=role), world.others_state()
    schema = schemathesis.openapi.from_url(
        f"{url}/api/v1/openapi.json",
        config=schemathesis.Config.from_dict(_config(world, role, seconds, seed)),
        headers=dict(world.headers[Role.ADMIN]),
        timeout=60,
    )
    for event in _asking(schema, Judge(name=role, world=world)):
        _note(event, outcome)
    if role in ("none", Role.VIEWER, Role.SUBMITTER):
        for each, told in world.others_state().items():
            if told != before[each]:
                outcome.findings[(each, "untouched", "")] = f"{before[each]} became {told}"
    return outcome


def _asking(schema: schemathesis.BaseSchema, judge: Judge) -> Iterator[events.EngineEvent]:
    """The events of a run with this judge among the checks, which Schemathesis keeps by name."""
    own_key = "" if judge.name == "none" else judge.world.key_ids[judge.name]

    def answers_to_its_role(
        ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
    ) -> None:
        judge(ctx, response, case)

    def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
        """An admin may end its own key, and is nobody then."""
        named = str((case.path_parameters or {}).get("key_id", ""))
        return not (named and own_key.startswith(named))

    def filter_failure(
        context: schemathesis.HookContext, failure: Any, case: schemathesis.Case, response: Any
    ) -> bool:
        """The HTTP library itself refuses what it cannot read to its end, and nothing of ours sees it."""
        return response.content != NOT_HTTP

    schemathesis.check(answers_to_its_role)
    schema.hooks.hook("filter_case")(filter_case)
    schema.hooks.hook("filter_failure")(filter_failure)
    try:
        yield from from_schema(schema).execute()
    finally:
        CHECKS.unregister("answers_to_its_role")


def _config(world: World, role: str, seconds: int, seed: int) -> dict[str, Any]:
    dictionaries = {name: {"values": list(ids)} for name, ids in world.known.items()}
    given: dict[str, Any] = {
        f"path.{name}": {"dictionary": name, "probability": 0.8} for name in dictionaries
    }
    # a stream sends nothing until something happens
    at_once = {"query.after": 0, "header.Last-Event-ID": "0"}
    return {
        "seed": seed,
        "max-time": seconds,
        "continue-on-failure": True,
        "suppress-health-check": ["all"],  # of how fast and how often cases can be made up
        "headers": dict(world.headers[role]),
        "request-timeout": 20,
        "max-stream-events": 1,
        "dictionaries": dictionaries,
        "parameters": given,
        "operations": [{"include-operation-id": name, "parameters": at_once} for name in STREAMS],
        "generation": {
            "database": "none",
            "max-examples": 10,
            "no-shrink": True,
            "with-security-parameters": False,
        },
        "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKED}},
    }


def _note(event: events.EngineEvent, outcome: Outcome) -> None:
    if isinstance(event, events.NonFatalError):
        outcome.errors.append(f"{event.label}: {event.value!r}"[:2000])
    elif isinstance(event, events.FatalError):
        outcome.errors.append(repr(event.exception))
    elif isinstance(event, events.ScenarioFinished | events.FuzzScenarioFinished):
        _note_scenario(event.recorder, outcome)


def _note_scenario(recorder: Any, outcome: Outcome) -> None:
    outcome.num_scenarios += 1
    outcome.num_cases += len(recorder.cases)
    for interaction in recorder.interactions.values():
        if interaction.response is not None:
            outcome.statuses[interaction.response.status_code] += 1
    for case_id, node in recorder.cases.items():
        operation = node.value.operation.label
        outcome.operations.add(operation)
        for check in recorder.checks.get(case_id, ()):
            if check.failure_info is not None:
                failure, response = check.failure_info.failure, recorder.find_response(case_id=case_id)
                title = f"{failure.title} ({response.status_code if response else 'no answer'})"
                told = f"{failure.message}\n{check.failure_info.code_sample}"
                outcome.findings.setdefault((operation, check.name, title), told)
