import time

import pytest

from service.access.redirects import local_address, login_address
from service.access.sessions import MAX_AGE_SECONDS, BrowserSession, Sessions

SECRET = "s" * 43
KEY_ID = "0123456789abcdef"


def test_processes_that_share_the_secret_read_each_others_sessions() -> None:
    session = BrowserSession.of(KEY_ID)
    one, other = Sessions(SECRET), Sessions(SECRET)
    assert other.read(one.write(session)) == session
    assert one.cookie == other.cookie


def test_a_session_of_another_server_or_one_that_was_changed_is_none() -> None:
    written = Sessions(SECRET).write(BrowserSession.of(KEY_ID))
    assert Sessions("t" * 43).read(written) is None
    payload, stamp, signature = written.split(".")
    forged = Sessions("t" * 43).write(BrowserSession.of("f" * 16)).split(".")[0]
    for value in ("", "x", f"{forged}.{stamp}.{signature}", f"{payload}.{stamp}.", f"{payload}..{signature}"):
        assert Sessions(SECRET).read(value) is None


def test_what_was_signed_for_another_use_is_no_session() -> None:
    from itsdangerous import URLSafeTimedSerializer

    other = URLSafeTimedSerializer(SECRET, salt="other").dumps([KEY_ID, "token"])
    assert Sessions(SECRET).read(other) is None


def test_a_session_ends_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Sessions(SECRET).write(BrowserSession.of(KEY_ID))
    later = time.time() + MAX_AGE_SECONDS + 1
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert Sessions(SECRET).read(written) is None


def test_each_session_has_a_token_of_its_own() -> None:
    one, other = BrowserSession.of(KEY_ID), BrowserSession.of(KEY_ID)
    assert one.accepts(one.csrf_token)
    assert not one.accepts(other.csrf_token)
    assert not one.accepts("")
    assert not one.accepts("é")
    assert one.csrf_token not in repr(one)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        " /jobs",
        "/login?next=/login",
        "http:///evil.example",
        "//[",
    ],
)
def test_a_login_leads_to_no_other_site(wanted: str) -> None:
    assert local_address(wanted) == "/"
    assert login_address(wanted) == "/login"


@pytest.mark.parametrize("wanted", ["/jobs/ab", "/experiments/ab?baseline=none&x=1", "/compare?experiment=a"])
def test_a_login_leads_on_to_the_page_that_was_wanted(wanted: str) -> None:
    assert local_address(wanted) == wanted
    assert "//" not in login_address(wanted)
    assert login_address(wanted).startswith("/login?next=%2F")
