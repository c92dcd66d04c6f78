"""Published numbers over REST: what is kept of them, and what is refused with which words."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import Event

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.server import Body

Sessions = sessionmaker[Session]
CITED = {"label": "paper", "metrics": {"ap": 0.397}, "source": "Du et al., 2021"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def made(api: "TestClient", experiment_body: "Body") -> str:
    """The id of an experiment none of whose jobs has run."""
    return str(api.post("/api/v1/experiments", json=experiment_body).json()["id"])


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(item["field"], item["message"]) for item in answer.json()["errors"]]


def test_a_citation_is_a_row_until_it_is_removed(api: "TestClient", made: str, sessions: Sessions) -> None:
    url = f"/api/v1/experiments/{made}/cited"
    body = {**CITED, "metrics": {"ap": 0.397, "ap50": 0.6}, "url": "https://example.org/a?b=c"}
    answer = api.post(url, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json() == body
    comparison = api.get(f"/api/v1/experiments/{made}/comparison").json()
    assert [row["source"] for row in comparison["rows"]] == ["run", "run", "run", "cited"]
    assert comparison["rows"][3]["note"] == "Du et al., 2021 (https://example.org/a?b=c)"
    assert faults(api.post(url, json=body))[0][0] == "label"
    assert api.delete(f"{url}/paper").status_code == 204
    assert api.delete(f"{url}/paper").status_code == 404
    with sessions() as session:
        told = session.scalars(select(Event.message).where(Event.kind == "experiment.outside"))
        assert told.all() == ["small: paper was cited", "small: paper is cited no more"]


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        ({"metrics": {"ap": 39.7}}, "metrics.ap", "give a fraction, 0.397, not points"),
        ({"metrics": {"ap": 1.01}}, "metrics.ap", "fraction"),
        ({"metrics": {"ap": -0.1}}, "metrics.ap", "greater than or equal to 0"),
        ({"metrics": {"ap": float("nan")}}, "metrics.ap", "finite"),
        ({"metrics": {"ap": "0.4"}}, "metrics.ap", "number"),
        ({"metrics": {"ap": True}}, "metrics.ap", "number"),
        ({"metrics": {"ap": None}}, "metrics.ap", "number"),
        ({"metrics": {}}, "metrics.ap", "required"),
        ({"metrics": {"ap50": 0.4}}, "metrics.ap", "required"),
        ({"metrics": {"ap": 0.4, "mAP": 0.5}}, "metrics.mAP", "known: ap, ap50"),
        ({"metrics": 0.4}, "metrics", "dictionary"),
        ({"source": ""}, "source", "at least 1"),
        ({"source": "x" * 501}, "source", "500"),
        ({"source": "a\0"}, "source", "cannot be shown"),
        ({"source": "a\ud800"}, "source", ""),
        ({"url": "javascript:alert(1)"}, "url", "https://"),
        ({"url": "https://a b"}, "url", "without spaces"),
        ({"url": "https://" + "a" * 2000}, "url", "2000"),
        ({"label": "none"}, "label", "there is a row 'none' already"),
        ({"label": "<i>"}, "label", "letters"),
        ({"ap": 0.4}, "ap", "unknown key"),
    ],
)
def test_a_faulty_citation_is_refused_with_the_field(
    api: "TestClient", made: str, change: Any, field: str, word: str
) -> None:
    answer = api.post(
        f"/api/v1/experiments/{made}/cited",
        content=json.dumps({**CITED, **change}),
        headers={"Content-Type": "application/json"},
    )
    [(found, message), *_] = faults(answer)
    assert found == field
    assert word in message


@pytest.mark.parametrize("missing", ["label", "metrics", "source"])
def test_a_citation_needs_its_source_and_its_numbers(api: "TestClient", made: str, missing: str) -> None:
    body = {name: value for name, value in CITED.items() if name != missing}
    assert faults(api.post(f"/api/v1/experiments/{made}/cited", json=body))[0][0] == missing
