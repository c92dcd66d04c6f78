"""What pages take from browsers: forms, and of the page's own origin only."""

import pytest
from starlette.requests import Request

from service.api.bodies import BodyError
from service.api.form_body import MAX_FIELDS, read_form
from service.api.problems import ProblemError
from service.api.same_origin import same_origin


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "https://frs.example", "host": "inside:8000"},
        {"origin": "http://frs.example:8000", "host": "FRS.example:8000"},
    ],
)
def test_the_page_itself_and_what_is_no_browser_may_post(headers: dict[str, str]) -> None:
    same_origin(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://localhost:3000", "host": "localhost:3000"},
        {"origin": "https://evil.example", "host": "frs.example"},
        {"origin": "http://frs.example:8001", "host": "frs.example:8000"},
        {"origin": "null", "host": "frs.example"},
        {"origin": "http://[", "host": "frs.example"},
        {"origin": "http://frs.example"},
    ],
)
def test_another_site_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match="comes from another site") as refused:
        same_origin(request(**headers))
    assert refused.value.status == 403


def test_a_form_is_read_with_its_empty_fields_and_line_ends() -> None:
    body = b"a=&b=1&b=2&c=x%0D%0Ay&d=%C3%A9+%2B"
    assert read_form(body) == {"a": [""], "b": ["1", "2"], "c": ["x\ny"], "d": ["é +"]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a=%FF", "not UTF-8"),
        (b"a=\xff", "not UTF-8"),
        (b"&".join([b"a=1"] * (MAX_FIELDS + 1)), "more than 2000 fields"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BodyError) as refused:
        read_form(body)
    assert reason in refused.value.detail
