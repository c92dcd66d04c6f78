"""Keys over REST, and what is told and kept of them."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.access.keys import hash_secret, parse_key
from service.access.roles import Role
from service.db import api_keys
from service.db.models import ApiKey
from service.db.types import utc_now
from tests.fixtures.server import TEST_KEY

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.server import Body


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def create(api: "TestClient", **wishes: Any) -> Any:
    answer = api.post("/api/v1/keys", json={"name": "ada", "role": "submitter", **wishes})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def test_a_key_is_told_once_and_only_its_hash_is_kept(
    api: "TestClient", sessions: sessionmaker[Session]
) -> None:
    made = create(api, max_queued_jobs=5)
    key = parse_key(made["key"])
    assert key is not None
    assert key.key_id == made["id"]
    for path in ("/api/v1/keys", f"/api/v1/keys/{made['id']}", "/api/v1/me"):
        assert key.secret not in api.get(path).text
        assert hash_secret(key.secret) not in api.get(path).text
    with sessions() as session:
        row = session.get_one(ApiKey, made["id"])
        assert row.secret_sha256 == hash_secret(key.secret)
        assert key.secret not in repr(vars(row))
    me = api.get("/api/v1/me", headers=bearer(made["key"])).json()
    assert (me["name"], me["role"], me["state"], me["max_queued_jobs"]) == ("ada", "submitter", "valid", 5)


def test_a_revoked_key_ends_at_once_and_the_reason_is_told_to_its_holder_alone(api: "TestClient") -> None:
    made = create(api)
    assert api.post(f"/api/v1/keys/{made['id'][:6]}/revoke").json()["state"] == "revoked"
    first = api.post(f"/api/v1/keys/{made['id']}/revoke").json()
    answer = api.get("/api/v1/me", headers=bearer(made["key"]))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="frs"'
    assert "was revoked" in answer.json()["detail"]
    guessed = api.get("/api/v1/me", headers=bearer(made["key"][:-22] + "A" * 22))
    unknown = api.get("/api/v1/me", headers=bearer(f"frs_{'0' * 16}_{'A' * 22}"))
    assert guessed.json()["detail"] == unknown.json()["detail"]
    assert api.post(f"/api/v1/keys/{made['id']}/revoke").json()["revoked_at"] == first["revoked_at"]


def test_an_expired_key_is_refused_and_can_be_given_more_time(
    api: "TestClient", sessions: sessionmaker[Session]
) -> None:
    made = create(api, expires_at=(utc_now() + timedelta(days=1)).isoformat())
    assert api.get("/api/v1/me", headers=bearer(made["key"])).status_code == 200
    with sessions.begin() as session:
        session.get_one(ApiKey, made["id"]).expires_at = utc_now() - timedelta(seconds=1)
    answer = api.get("/api/v1/me", headers=bearer(made["key"]))
    assert (answer.status_code, "expired" in answer.json()["detail"]) == (401, True)
    assert api.get(f"/api/v1/keys/{made['id']}").json()["state"] == "expired"
    api.patch(f"/api/v1/keys/{made['id']}", json={"expires_at": None})
    assert api.get("/api/v1/me", headers=bearer(made["key"])).status_code == 200


def test_the_last_admins_key_cannot_be_revoked(api: "TestClient") -> None:
    answer = api.post(f"/api/v1/keys/{TEST_KEY.key_id}/revoke")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:frs-distill:problem:last-admin")
    create(api, name="second", role="admin")
    assert api.post(f"/api/v1/keys/{TEST_KEY.key_id}/revoke").status_code == 200
    assert api.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"role": "admin"}, "role"),
        ({"max_queued_jobs": -1}, "max_queued_jobs"),
        ({"max_queued_jobs": True}, "max_queued_jobs"),
        ({"max_stored_bytes": 2**63}, "max_stored_bytes"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-01-01T00:00:00Z"}, "expires_at"),
        ({"secret_sha256": "0"}, "secret_sha256"),
    ],
)
def test_what_a_key_cannot_be_is_refused_by_its_field(
    api: "TestClient", change: dict[str, Any], field: str
) -> None:
    made = create(api)
    answer = api.patch(f"/api/v1/keys/{made['id']}", json=change)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_limits_are_set_and_taken_away_and_what_is_not_named_stays(api: "TestClient") -> None:
    path = f"/api/v1/keys/{create(api, max_queued_jobs=5, requests_per_minute=60)['id']}"
    changed = api.patch(path, json={"max_queued_jobs": None, "max_running_gpus": 2}).json()
    limits = ("max_queued_jobs", "max_running_gpus", "requests_per_minute")
    assert [changed[name] for name in limits] == [None, 2, 60]


def test_use_is_noted_once_a_minute(api: "TestClient", sessions: sessionmaker[Session]) -> None:
    def used() -> Any:
        with sessions() as session:
            return session.scalars(select(ApiKey.last_used_at)).one()

    api.get("/api/v1/me")
    first = used()
    assert abs(utc_now() - first) < timedelta(seconds=30)
    api.get("/api/v1/me")
    assert used() == first
    with sessions.begin() as session:
        session.get_one(ApiKey, TEST_KEY.key_id).last_used_at = first - timedelta(minutes=1)
    api.get("/api/v1/me")
    assert used() > first
    with sessions.begin() as session:  # of two requests at once one notes it
        api_keys.note_use(session, TEST_KEY.key_id, used() + timedelta(seconds=59))
    assert used() - first < timedelta(seconds=59)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": str(TEST_KEY)},
        {"Authorization": f"Basic {TEST_KEY}"},
        {"Authorization": f"Bearer {TEST_KEY}, Bearer {TEST_KEY}"},
        {"Authorization": f"Bearer {TEST_KEY}\tx"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \xff"},
        {"X-Api-Key": str(TEST_KEY)},
        {"Cookie": f"frs_session={TEST_KEY}; key={TEST_KEY}"},
    ],
    ids=range(8),
)
def test_a_key_counts_only_as_one_bearer_token(api: "TestClient", headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    del api.headers["Authorization"]
    assert api.get("/api/v1/me", headers=encoded).status_code == 401


def test_two_authorization_headers_are_none(api: "TestClient") -> None:
    del api.headers["Authorization"]
    given = (b"authorization", f"Bearer {TEST_KEY}".encode())
    assert api.get("/api/v1/me", headers=[given]).status_code == 200
    assert api.get("/api/v1/me", headers=[given, given]).status_code == 401


@pytest.mark.parametrize("name", ["key", "api_key", "access_token", "token", "authorization"])
def test_a_key_in_an_address_opens_nothing(api: "TestClient", name: str) -> None:
    del api.headers["Authorization"]
    assert api.get(f"/api/v1/me?{name}={TEST_KEY}").status_code == 401
    assert api.get(f"/login/{TEST_KEY}").status_code == 401
    assert api.get(f"/login?next=/&{name}={TEST_KEY}").headers.get("set-cookie") is None


def test_no_secret_gets_into_the_log(api: "TestClient", caplog: pytest.LogCaptureFixture) -> None:
    with structlog.testing.capture_logs() as lines, caplog.at_level(0):
        made = create(api)
        api.get("/api/v1/me", headers=bearer(made["key"]))
        api.get("/api/v1/me", headers=bearer(made["key"][:-1]))
        api.post("/login", data={"key": made["key"]})
        path = api.post("/api/v1/tickets").json()["path"]
        api.get(f"{path}x")
        api.get(f"/login/{made['key']}")
        api.get(f"/experiments/{made['key']}")
    ours = [line.getMessage() for line in caplog.records if not line.name.startswith("httpx")]
    text = f"{lines} {ours}"
    assert "/api/v1/me" in text
    for secret in (made["key"][-22:], TEST_KEY.secret, path.rpartition("/")[2]):
        assert secret not in text


def test_what_somebody_submits_is_its_keys_and_bears_its_name(
    api: "TestClient", experiment_body: "Body", job_body: "Body"
) -> None:
    ada, eve = create(api, name="ada"), create(api, name="eve")
    experiment = api.post("/api/v1/experiments", json=experiment_body, headers=bearer(ada["key"])).json()
    assert {(job["owner_key_id"], job["submitted_by"]) for job in [experiment, *experiment["jobs"]]} == {
        (ada["id"], "ada")
    }
    path = f"/api/v1/experiments/{experiment['id']}"
    refused = api.post(f"{path}/cancel", headers=bearer(eve["key"]))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:frs-distill:problem:not-yours")
    copy = api.post(f"{path}/clone", json={}, headers=bearer(eve["key"])).json()
    assert (copy["owner_key_id"], copy["submitted_by"]) == (eve["id"], "eve")
    # an operator who adds to an experiment does not take it away
    longer = api.post(f"{path}/extend", json={"seeds": [7]}).json()
    assert {job["owner_key_id"] for job in longer["jobs"]} == {ada["id"]}
    job = api.post("/api/v1/jobs", json={**job_body, "submitted_by": "the lab"}, headers=bearer(eve["key"]))
    assert (job.json()["owner_key_id"], job.json()["submitted_by"]) == (eve["id"], "the lab")
    assert api.post(f"{path}/cancel", headers=bearer(ada["key"])).status_code == 200


def test_the_document_says_how_to_get_in_and_what_is_answered_otherwise(api: "TestClient") -> None:
    document = api.get("/api/v1/openapi.json").json()
    assert document["security"] == [{"bearer": []}, {"session": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["paths"]["/healthz"]["get"]["security"] == []
    responses = document["paths"]["/api/v1/experiments"]["post"]["responses"]
    assert {"401", "403", "429"} <= responses.keys()


def test_of_a_key_that_only_a_viewer_has_nothing_can_be_changed(api: "TestClient") -> None:
    viewer = create(api, role=Role.VIEWER)
    answer = api.post("/api/v1/keys", json={"name": "x", "role": "admin"}, headers=bearer(viewer["key"]))
    assert answer.status_code == 403
    assert "needs the role admin" in answer.json()["detail"]
    assert "frs key create --role admin" in answer.json()["detail"]
