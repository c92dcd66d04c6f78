"""What was done to systems like this one, by addresses, headers and texts, tried on this one.

docs/security.md says which attack is whose.
"""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.orm import Session, sessionmaker
from structlog.testing import capture_logs

from service.db.models import Experiment
from tests.fixtures.unsafe_routes import unsafe_routes

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.submissions import Submit

API = "/api/v1"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the kind of database."""
    return sqlite_url


SCRIPTS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "javascript:alert(1)"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_page_repeats_is_text(api: "TestClient", script: str) -> None:
    html = {"Accept": "text/html"}
    for path in ("/", "/audit", "/compare", "/workers", "/submit", "/jobs/abcd/log", "/nothing"):
        for asked in ("search", "key", "subject", "action", "tag", "example", "clone", "experiment"):
            text = api.get(path, params={asked: script}, headers=html).text
            assert "<script>alert" not in text, (path, asked)
            assert "<img src=x" not in text, (path, asked)
            assert 'href="javascript:' not in text, (path, asked)
    assert "<script>alert" not in api.get(f"/{script}", headers=html).text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example"]
)
def test_a_citation_leads_to_the_web_alone(api: "TestClient", submit: "Submit", url: str) -> None:
    body = {"label": "paper", "metrics": {"ap": 0.1}, "source": "x", "url": url}
    answer = api.post(f"{API}/experiments/{submit()}/cited", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "url"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/%5cevil.example/",
        "/%2f%2fevil.example/",
    ],
)
def test_no_address_leads_away(api: "TestClient", path: str) -> None:
    answer = api.get(f"http://testserver{path}", follow_redirects=False)
    assert "location" not in answer.headers
    assert "hx-redirect" not in answer.headers
    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize(
    "given", ["two words", "a\tb", "\x1b[31mred", "x" * 65, "a%0d%0aSet-Cookie:b", "é".encode()]
)
def test_a_client_writes_no_line_of_the_log(api: "TestClient", given: str | bytes) -> None:
    with capture_logs() as logs:
        answer = api.get("/healthz", headers={"X-Request-ID": given})
    line = next(line for line in logs if line["event"] == "request")
    assert answer.headers["X-Request-ID"] != given
    assert answer.headers["X-Request-ID"].isalnum()
    assert line["path"] == "/healthz"


def test_a_header_turns_no_reading_into_a_change(
    api: "TestClient", submit: "Submit", sessions: sessionmaker[Session]
) -> None:
    experiment = submit()
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        for method in ("GET", "POST"):
            api.request(method, f"{API}/experiments/{experiment}", headers={header: "DELETE"})
    api.get(f"{API}/experiments/{experiment}", params={"_method": "DELETE"})
    with sessions() as session:
        assert session.get(Experiment, experiment) is not None


def test_a_name_that_was_rebound_reaches_no_route(api: "TestClient") -> None:
    evil = {
        "Host": "evil.example:8000",
        "Origin": "http://evil.example:8000",
        "Sec-Fetch-Site": "same-origin",
    }
    for method, path, _ in unsafe_routes(api.app):
        assert api.request(method, path, headers=evil).status_code == 421, (method, path)
    for path in (f"{API}/experiments", f"{API}/events", f"{API}/openapi.json", "/"):
        assert api.get(path, headers=evil).status_code == 421


def test_x_forwarded_host_renames_nothing(api: "TestClient") -> None:
    for name in ("X-Forwarded-Host", "X-Host", "Forwarded"):
        answer = api.get("/", headers={name: "host=evil.example", "Accept": "text/html"})
        assert answer.status_code == 200
        assert "evil.example" not in answer.text
    assert api.get("/", headers={"Host": "evil.example", "X-Forwarded-Host": "localhost"}).status_code == 421
