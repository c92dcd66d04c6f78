"""The command line in this process, against a server made of a dictionary."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from service.cli import main as command
from service.cli.session import Session
from service.client import Client

NOW = "2026-01-02T03:04:05Z"


@dataclass
class FakeServer:
    """Answers by `METHOD path`; keeps what is asked. A list is given one by one, its last item for ever."""

    answers: dict[str, Any] = field(
        default_factory=lambda: {"GET /experiments": {"items": []}, "GET /jobs": {"items": []}}
    )
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.get(f"{request.method} {request.url.path.removeprefix('/api/v1')}")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            return problem(404, f"there is nothing at {request.url.path}")
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json=answer)

    @property
    def changes(self) -> list[httpx.Request]:
        """What was asked for besides reading."""
        return [request for request in self.requests if request.method != "GET"]

    def sent(self, index: int = -1) -> Any:
        """The JSON body of a request."""
        return json.loads(self.requests[index].content)


def problem(status: int, detail: str, **more: Any) -> httpx.Response:
    return httpx.Response(
        status,
        json={"title": "no", "status": status, "detail": detail, **more},
        headers={"content-type": "application/problem+json"},
    )


def job_of(state: str, label: str = "frs", **more: Any) -> dict[str, Any]:
    return {
        "id": f"j-{label}-{more.get('seed', 0)}",
        "kind": "distill",
        "role": "student",
        "label": label,
        "name": label,
        "seed": 0,
        "state": state,
        **more,
    }


def experiment_of(state: str, *jobs: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "e1234567890",
        "name": "blood",
        "state": state,
        "created_at": NOW,
        "num_jobs": len(jobs),
        "job_states": {},
        "jobs": list(jobs),
        **more,
    }


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    fake = FakeServer()

    def connect(_session: Session) -> Client:
        return Client("http://fake", retry_delays=(), transport=httpx.MockTransport(fake))

    monkeypatch.setattr(Session, "connect", connect)
    monkeypatch.setattr("service.cli.follow.POLL_SECONDS", 0.0)
    return fake


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `frs` with arguments."""
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("FRS_URL", raising=False)

    def invoke(*arguments: object) -> Result:
        monkeypatch.setattr("sys.argv", ["frs", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            command.main()
        printed = capsys.readouterr()
        return Result(ended.value.code or 0, printed.out, printed.err)

    return invoke


@pytest.fixture
def make_job() -> Callable[..., dict[str, Any]]:
    return job_of


@pytest.fixture
def make_experiment() -> Callable[..., dict[str, Any]]:
    return experiment_of


@pytest.fixture
def make_problem() -> Callable[..., httpx.Response]:
    return problem
