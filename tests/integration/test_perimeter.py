"""What stands before the routes: names, sites, proxies and headers."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import start_blocking_portal
from structlog.testing import capture_logs

from service.access.policy import RULES, Rule
from service.access.roles import Role
from service.api.app import create_app
from service.settings import Settings
from tests.fixtures.callers import ClientOf, MakeCaller
from tests.fixtures.server import AS_ADMIN
from tests.fixtures.unsafe_routes import unsafe_routes

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

EXPERIMENTS = "/api/v1/experiments"
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the kind of database."""
    return sqlite_url


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9", "127.0.0.1:8000", "[::1]:1", "frs.lab", "frs.lab.:80", "10.1.2.3"]
)
def test_it_answers_to_its_own_names_on_any_port(client_of: ClientOf, host: str) -> None:
    client = client_of(host="10.1.2.3", allowed_hosts=("frs.lab",))
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8000", "", "[::2]"]
)
@pytest.mark.parametrize("path", ["/healthz", "/", EXPERIMENTS, "/static/style.css", "/nothing"])
def test_it_answers_to_no_other_name(api: "TestClient", host: str, path: str) -> None:
    answer = api.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["type"].endswith(":misdirected")
    assert "FRS_ALLOWED_HOSTS" in answer.json()["detail"]


def test_no_route_takes_a_change_from_another_site(api: "TestClient") -> None:
    routes = list(unsafe_routes(api.app))
    assert {"POST", "PUT", "PATCH", "DELETE"} <= {route.method for route in routes}
    for method, path, _ in routes:
        answer = api.request(method, path, headers={"Origin": "https://evil.example"})
        assert (answer.status_code, answer.json()["type"][-10:]) == (403, "cross-site"), (method, path)


@pytest.mark.parametrize("path", ["/api/v1/events", EXPERIMENTS, "/", "/static/style.css"])
@pytest.mark.parametrize(
    "headers",
    [
        EVIL,
        {"Origin": "null"},
        {"Origin": "http://testserver:81"},
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_nothing_is_read_from_the_page_of_another_site(
    api: "TestClient", path: str, headers: dict[str, str]
) -> None:
    assert api.get(path, headers=headers).status_code == 403


def test_a_link_from_elsewhere_leads_here(api: "TestClient") -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    assert api.get("/", headers=headers).status_code == 200
    assert api.post("/submit", headers=headers).status_code == 403


def test_the_origin_of_a_proxy_that_renames_the_server_is_allowed(
    client_of: ClientOf, make_caller: MakeCaller
) -> None:
    client = client_of(make_caller(), allowed_origins=("https://frs.lab",))
    body = {"changes": {}}
    given = client.post(f"{EXPERIMENTS}/abcd/clone", json=body, headers={"Origin": "https://frs.lab"})
    assert given.status_code == 404
    refused = client.post(f"{EXPERIMENTS}/abcd/clone", json=body, headers={"Origin": "https://frs.lab.evil"})
    assert refused.status_code == 403


def test_cors_is_closed(api: "TestClient") -> None:
    asked = {"Origin": "http://testserver", "Access-Control-Request-Method": "DELETE"}
    answer = api.options(EXPERIMENTS, headers=asked)
    assert answer.status_code == 403
    for each in (answer, api.get(EXPERIMENTS, headers=EVIL), api.get(EXPERIMENTS)):
        assert not [name for name in each.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/healthz", {}, 200),
        ("/", {"Accept": "text/html"}, 200),
        ("/static/style.css", {}, 200),
        ("/static/../settings.py", {}, 404),
        ("/nothing", {}, 404),
        (EXPERIMENTS, {"Host": "evil.example"}, 421),
        (EXPERIMENTS, EVIL, 403),
        (f"{EXPERIMENTS}?limit=x", {}, 422),
        (f"{EXPERIMENTS}?cursor={'x' * 9000}", {}, 414),
    ],
)
def test_every_answer_tells_browsers_what_they_may_do(
    api: "TestClient", path: str, headers: dict[str, str], status: int
) -> None:
    answer = api.get(path, headers=headers)
    assert answer.status_code == status
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "strict-transport-security" not in answer.headers


def test_a_failure_of_the_server_has_the_headers_and_none_of_the_cause(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi.testclient import TestClient

    monkeypatch.setitem(RULES, "broken", Rule(role=Role.VIEWER))  # type: ignore[arg-type]
    app = create_app(settings)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    with TestClient(app, raise_server_exceptions=False, headers=AS_ADMIN) as client:
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_only_a_trusted_proxy_says_where_a_request_is_from(client_of: ClientOf) -> None:
    told = {"X-Forwarded-For": "203.0.113.9, 10.0.0.2", "X-Forwarded-Proto": "https"}
    for proxies, address, is_https in (
        ((), "testclient", False),
        (("10.0.0.0/8",), "testclient", False),
    ):
        client = client_of(trusted_proxies=proxies)
        with capture_logs() as logs:
            answer = client.get("/healthz", headers=told)
        assert ("strict-transport-security" in answer.headers) is is_https
        assert next(line["address"] for line in logs if line["event"] == "request") == address


async def _asked(app: Any, **scope: Any) -> list[dict[str, Any]]:
    """What an application sends for a request of this scope."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    usual = {
        "type": "http", "method": "GET", "path": "/healthz", "raw_path": b"/healthz", "query_string": b"",
        "root_path": "", "scheme": "http", "server": ("x", 80), "http_version": "1.1",
    }  # fmt: skip
    await app({**usual, **scope}, receive, send)
    return sent


def test_a_trusted_proxy_is_believed_the_last_untrusted_address(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": ("10.0.0.0/8",)}))
    headers = [
        (b"host", b"localhost"),
        (b"x-forwarded-for", b"1.1.1.1, 203.0.113.9, 10.0.0.7"),
        (b"x-forwarded-proto", b"https"),
    ]
    with capture_logs() as logs, start_blocking_portal() as portal:
        sent = portal.call(partial(_asked, app, client=("10.0.0.2", 1), headers=headers))
    assert b"strict-transport-security" in dict(sent[0]["headers"])
    assert [line["address"] for line in logs if line["event"] == "request"] == ["203.0.113.9"]


@pytest.mark.parametrize("proxies", ["*", "proxy.lab", "10.0.0.1/8"])
def test_proxies_are_addresses_not_names(
    tmp_path: Path, proxies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRS_TRUSTED_PROXIES", proxies)
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(data_dir=tmp_path)
