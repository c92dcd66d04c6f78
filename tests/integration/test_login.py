"""Browser sessions: in with a key or a ticket, out again, and nothing changed by another site's page."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import ApiKey, LoginTicket
from service.db.types import utc_now
from tests.fixtures.server import AS_ADMIN, TEST_KEY

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

HTML = {"Accept": "text/html"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def browser(api: "TestClient") -> "TestClient":
    """A client without a key, which keeps cookies."""
    del api.headers["Authorization"]
    api.follow_redirects = False
    return api


def log_in(browser: "TestClient", **fields: str) -> Any:
    return browser.post("/login", data={"key": str(TEST_KEY), **fields}, headers=HTML)


def token(browser: "TestClient") -> str:
    found = re.search(r'<meta name="csrf-token" content="([^"]+)">', browser.get("/", headers=HTML).text)
    assert found is not None
    return found[1]


def test_a_key_becomes_a_session_that_scripts_cannot_read(browser: "TestClient") -> None:
    answer = log_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert TEST_KEY.secret not in cookie
    page = browser.get("/", headers=HTML).text
    assert "tester" in page
    assert "Log out" in page


def test_over_https_the_session_stays_there(browser: "TestClient") -> None:
    answer = browser.post("https://testserver/login", data={"key": str(TEST_KEY)})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "frs_xyz", f"{str(TEST_KEY)[:-1]}B", "<script>alert(1)</script>"])
def test_another_key_opens_nothing_and_is_not_shown_again(browser: "TestClient", key: str) -> None:
    answer = log_in(browser, key=key)
    assert answer.status_code == 401
    assert "this is no key of this server" in answer.text
    assert "set-cookie" not in answer.headers
    assert not key or key not in answer.text


def test_a_page_leads_to_the_login_and_the_login_back_to_it(browser: "TestClient") -> None:
    answer = browser.get("/compare?experiment=abcd&baseline=none", headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fcompare%3Fexperiment%3Dabcd%26baseline%3Dnone"
    page = browser.get(answer.headers["location"], headers=HTML).text
    assert 'value="/compare?experiment=abcd&amp;baseline=none"' in page
    back = log_in(browser, next="/compare?experiment=abcd&baseline=none")
    assert back.headers["location"] == "/compare?experiment=abcd&baseline=none"


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil"])
def test_no_login_leads_to_another_site(browser: "TestClient", wanted: str) -> None:
    assert log_in(browser, next=wanted).headers["location"] == "/"
    assert "evil" not in browser.get("/login", params={"next": wanted}, headers=HTML).text


def test_a_scripts_request_without_a_session_goes_to_the_login_too(browser: "TestClient") -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/jobs/abcd?x=1"}
    answer = browser.get("/jobs/abcd/log", headers=headers)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login?next=%2Fjobs%2Fabcd%3Fx%3D1")


def test_a_session_ends_with_its_key(browser: "TestClient", sessions: sessionmaker[Session]) -> None:
    log_in(browser)
    assert browser.get("/api/v1/me").status_code == 200
    with sessions.begin() as session:
        session.get_one(ApiKey, TEST_KEY.key_id).revoked_at = utc_now()
    assert browser.get("/api/v1/me").status_code == 401


def test_who_logs_out_is_out_with_every_copy_of_the_session(browser: "TestClient") -> None:
    log_in(browser)
    copy = dict(browser.cookies)
    answer = browser.post("/logout", data={"_csrf": token(browser)}, headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert not browser.cookies
    assert browser.get("/api/v1/me").status_code == 401
    log_in(browser)
    new = dict(browser.cookies)
    browser.cookies.clear()
    assert browser.get("/api/v1/me", headers=cookies(copy)).status_code == 401
    assert browser.get("/api/v1/me", headers=cookies(new)).status_code == 200


def test_a_session_from_before_the_login_is_not_the_one_after_it(browser: "TestClient") -> None:
    log_in(browser)
    planted = dict(browser.cookies)
    log_in(browser)
    assert dict(browser.cookies) != planted, "who planted a session knows nothing of the next"
    browser.post("/logout", data={"_csrf": token(browser)}, headers=HTML)
    made_up = dict.fromkeys(planted, "chosen-by-somebody-else")
    assert browser.get("/api/v1/me", headers=cookies(made_up)).status_code == 401
    assert log_in(browser).headers["set-cookie"].count("chosen-by-somebody-else") == 0


def cookies(given: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in given.items())}


def test_a_session_changes_nothing_without_the_token_of_its_pages(
    browser: "TestClient", sessions: sessionmaker[Session]
) -> None:
    log_in(browser)
    one = token(browser)
    body = {"name": "made", "role": "viewer"}
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "A" * 22}, {"X-CSRF-Token": f"{one}x"}):
        answer = browser.post("/api/v1/keys", json=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:frs-distill:problem:csrf")
    with sessions() as session:
        assert session.query(ApiKey).count() == 1
    assert browser.post("/api/v1/keys", json=body, headers={"X-CSRF-Token": one}).status_code == 201
    assert browser.get("/api/v1/keys").status_code == 200
    browser.cookies.clear()
    log_in(browser)  # another session's token is none of this one's
    assert browser.post("/api/v1/keys", json=body, headers={"X-CSRF-Token": one}).status_code == 403


@pytest.mark.parametrize("path", ["/api/v1/datasets/upload", "/api/v1/checkpoints"])
def test_a_form_is_read_for_its_token_no_further_than_any_request(browser: "TestClient", path: str) -> None:
    log_in(browser)
    pieces = (b"a" * 100_000 for _ in range(11))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.post(path, content=pieces, headers=form)
    assert answer.status_code == 413
    assert "FRS_MAX_REQUEST_BYTES" in answer.json()["detail"]


def test_a_form_carries_the_token_and_still_arrives_whole(browser: "TestClient") -> None:
    log_in(browser)
    form = {"_mode": "yaml", "_yaml": "name: a form\n"}
    answer = browser.post("/submit/check", data=form)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:frs-distill:problem:csrf")
    answer = browser.post("/submit/check", data={**form, "_csrf": token(browser)})
    assert answer.status_code == 200
    assert "dataset" in answer.text
    too_long = browser.post("/submit/check", data={**form, "_yaml": "x" * 1_100_000})
    assert too_long.status_code == 413


def test_a_key_needs_no_token(browser: "TestClient") -> None:
    body = {"name": "made", "role": "viewer"}
    assert browser.post("/api/v1/keys", json=body, headers=AS_ADMIN).status_code == 201


def test_a_key_that_does_not_hold_is_not_made_good_by_a_session(browser: "TestClient") -> None:
    log_in(browser)
    answer = browser.get("/api/v1/me", headers={"Authorization": f"Bearer {str(TEST_KEY)[:-1]}B"})
    assert answer.status_code == 401


def ticket(browser: "TestClient") -> str:
    answer = browser.post("/api/v1/tickets", headers=AS_ADMIN)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    return str(answer.json()["path"])


def test_a_ticket_logs_in_once(browser: "TestClient", sessions: sessionmaker[Session]) -> None:
    path = ticket(browser)
    with sessions() as session:
        assert path.rpartition("/")[2] not in repr(session.query(LoginTicket.sha256).all())
    assert browser.get(path, headers=HTML).headers["location"] == "/"
    assert browser.get("/api/v1/me").json()["name"] == "tester"
    browser.cookies.clear()
    again = browser.get(path, headers=HTML)
    assert (again.status_code, "frs open" in again.text) == (401, True)
    assert "set-cookie" not in again.headers


def test_a_ticket_that_is_too_old_or_whose_key_has_ended_is_none(
    browser: "TestClient", sessions: sessionmaker[Session]
) -> None:
    old, late = ticket(browser), ticket(browser)
    with sessions.begin() as session:
        session.query(LoginTicket).update({"expires_at": utc_now() - timedelta(seconds=1)})
    assert browser.get(old).status_code == 401
    late = ticket(browser)
    with sessions.begin() as session:
        session.get_one(ApiKey, TEST_KEY.key_id).revoked_at = utc_now()
    assert browser.get(late).status_code == 401


@pytest.mark.parametrize("method", ["post", "get"])
def test_another_sites_page_logs_nobody_in(browser: "TestClient", method: str) -> None:
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    if method == "post":
        answer = browser.post("/login", data={"key": str(TEST_KEY)}, headers=elsewhere)
    else:
        answer = browser.get(ticket(browser), headers=elsewhere)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("role", ["viewer", "submitter"])
def test_pages_show_only_what_the_role_may_do(browser: "TestClient", submit: Any, role: str) -> None:
    made = browser.post("/api/v1/keys", json={"name": "ada", "role": role}, headers=AS_ADMIN).json()
    anothers = submit()
    log_in(browser, key=made["key"])
    listed = browser.get("/", headers=HTML).text
    assert ('href="/submit"' in listed) == (role == "submitter")
    page = browser.get(f"/experiments/{anothers}", headers=HTML).text
    assert "Cancel all jobs" not in page
    assert ("Clone as a job of its own" in page) == (role == "submitter")
