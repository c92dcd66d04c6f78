"""The parts of an embedded system, in the order in which they start."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.operate import redis_server
from service.operate.folder import SystemFolder
from service.settings import Settings

COMPONENT_NAMES = ("redis", "api", "keeper", "worker")
STOP_MARGIN_SECONDS = 20.0
"""What a worker gets beyond the grace of its child, to hand the job back."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One process of the system; `grace_seconds` passes between TERM and KILL."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    grace_seconds: float = 10.0


def broker_component(folder: SystemFolder) -> Component:
    """The Redis-compatible server on a socket of its own."""
    command = redis_server.command(folder.create_socket_dir(), folder.run_dir)
    return Component(name="redis", command=tuple(command), environment=dict(os.environ))


def service_components(settings: Settings) -> list[Component]:
    """API, keeper and worker, which need database and broker. They get `settings` through the environment."""
    environment = settings_environment(settings)
    return [
        Component(name="api", command=_module("service.api"), environment=environment),
        Component(name="keeper", command=_module("service.jobs.keeper"), environment=environment),
        Component(
            name="worker",
            command=_module("workers"),
            environment=environment,
            grace_seconds=settings.grace_seconds + STOP_MARGIN_SECONDS,
        ),
    ]


def settings_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the `FRS_...` variables that make another read these settings."""
    written = {name: _written(value) for name, value in settings.model_dump().items() if value is not None}
    return os.environ | {f"FRS_{name.upper()}": text for name, text in written.items()}


def _written(value: object) -> str:
    """As a person writes it: folders with a colon between, other lists with a comma."""
    if isinstance(value, tuple):
        return (":" if any(isinstance(item, Path) for item in value) else ",").join(map(str, value))
    return str(value)


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)
