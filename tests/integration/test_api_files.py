"""Downloads carry the hash that was verified when the file was stored."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service.access.roles import Role
from service.api import signing
from service.db.models import ApiKey
from service.settings import Settings

if TYPE_CHECKING:
    from fastapi.testclient import TestClient
    from sqlalchemy.orm import Session, sessionmaker

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.s3_server import S3Bucket
    from tests.fixtures.server import Store
    from tests.fixtures.submissions import Submit


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture(params=["file", "s3"])
def any_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Has the server of the test keep its files in a folder, or in a bucket; gives which."""
    if request.param == "s3":
        bucket: S3Bucket = request.getfixturevalue("moto_bucket")
        monkeypatch.setattr(Settings, "resolved_artifacts_url", property(lambda _: bucket.address))
    return str(request.param)


@pytest.fixture
def path(any_store: str, submit: "Submit", hand: "Hand", request: pytest.FixtureRequest) -> str:
    """Where a stored artifact of 1000 times the same line is to be had."""
    submit()
    stored: Store = request.getfixturevalue("stored_artifact")
    return f"/api/v1/artifacts/{stored(hand.take()).id}/download"


def test_a_checkpoint_is_listed_and_downloaded_with_its_hash(
    api: "TestClient", hand: "Hand", submit: "Submit", stored_checkpoint: "Store"
) -> None:
    submit()
    stored = stored_checkpoint(lease := hand.take())
    [listed] = api.get(f"/api/v1/jobs/{lease.job_id}/checkpoints").json()["items"]
    assert (listed["kind"], listed["step"], listed["sha256"]) == ("weights", 7, stored.sha256)
    answer = api.get(listed["download"])
    assert answer.content == stored.content
    assert hashlib.sha256(answer.content).hexdigest() == answer.headers["X-Checksum-SHA256"]
    assert answer.headers["ETag"] == f'"{stored.sha256}"'
    assert answer.headers["Digest"] == f"sha-256={base64.b64encode(bytes.fromhex(stored.sha256)).decode()}"
    assert int(answer.headers["Content-Length"]) == len(stored.content)
    name = f"{lease.job_id}-weights-7.safetensors"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_client_that_has_the_file_is_told_so(
    api: "TestClient", hand: "Hand", submit: "Submit", stored_checkpoint: "Store"
) -> None:
    submit()
    stored = stored_checkpoint(hand.take())
    path = f"/api/v1/checkpoints/{stored.id}/download"
    answer = api.get(path, headers={"If-None-Match": f'"{stored.sha256}"'})
    assert (answer.status_code, answer.content) == (304, b"")


def test_an_artifact_is_listed_and_downloaded(
    api: "TestClient", hand: "Hand", submit: "Submit", stored_artifact: "Store"
) -> None:
    submit()
    stored = stored_artifact(lease := hand.take())
    [listed] = api.get(f"/api/v1/jobs/{lease.job_id}/artifacts").json()["items"]
    answer = api.get(listed["download"])
    assert answer.content == stored.content
    assert answer.headers["content-type"] == "application/json"
    assert 'filename="predictions_test.json"' in answer.headers["Content-Disposition"]


def test_a_file_that_the_store_has_lost_is_a_problem(
    api: "TestClient", hand: "Hand", submit: "Submit", stored_checkpoint: "Store"
) -> None:
    submit()
    stored = stored_checkpoint(hand.take())
    stored.path.unlink()
    answer = api.get(f"/api/v1/checkpoints/{stored.id}/download")
    assert answer.status_code == 410
    assert answer.headers["content-type"] == "application/problem+json"


def test_parts_of_a_file_are_had_from_any_store(path: str, api: "TestClient") -> None:
    whole = api.get(path)
    assert whole.headers["Accept-Ranges"] == "bytes"
    size, etag = len(whole.content), whole.headers["ETag"]
    part = api.get(path, headers={"Range": "bytes=5-14"})
    assert (part.status_code, part.content) == (206, whole.content[5:15])
    assert part.headers["Content-Range"] == f"bytes 5-14/{size}"
    assert part.headers["Content-Length"] == "10"
    assert api.get(path, headers={"Range": f"bytes={size - 7}-"}).content == whole.content[-7:]
    assert api.get(path, headers={"Range": "bytes=0-3", "If-Range": etag}).status_code == 206
    assert api.get(path, headers={"Range": "bytes=0-3", "If-Range": '"before"'}).content == whole.content
    beyond = api.get(path, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert beyond.headers["Content-Type"] == "application/problem+json"


def test_head_says_what_get_would(path: str, api: "TestClient") -> None:
    whole, head = api.get(path), api.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "ETag", "Content-Type", "Accept-Ranges", "Content-Disposition"):
        assert head.headers[name] == whole.headers[name]
    assert api.head(path, headers={"Range": "bytes=1-2"}).headers["Content-Length"] == "2"


def test_a_store_with_addresses_of_its_own_gives_one_to_who_asks(
    path: str, any_store: str, api: "TestClient"
) -> None:
    whole = api.get(path)
    answer = api.get(path, params={"redirect": "1"}, follow_redirects=False)
    if any_store == "file":
        assert answer.content == whole.content
        return
    assert (answer.status_code, answer.headers["Cache-Control"]) == (307, "no-store")
    fetched = httpx.get(answer.headers["Location"])
    assert fetched.content == whole.content
    assert fetched.headers["Content-Disposition"] == 'attachment; filename="predictions_test.json"'


def test_no_browser_runs_what_is_in_a_file(path: str, api: "TestClient") -> None:
    headers = api.get(path).headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("attachment;")


@pytest.fixture
def link(api: "TestClient", submit: "Submit", hand: "Hand", stored_artifact: "Store") -> str:
    """A link to an artifact, good for a minute."""
    submit()
    answer = api.post(f"/api/v1/artifacts/{stored_artifact(hand.take()).id}/link", json={"seconds": 60})
    assert answer.status_code == 201
    return str(answer.json()["url"])


def test_a_link_gives_its_file_and_no_other(api: "TestClient", link: str) -> None:
    assert link.startswith("http://testserver/api/v1/files/")
    answer = api.get(link)
    assert answer.content == b"".join([answer.content[: len(answer.content) // 1000]] * 1000)
    assert api.get(link, headers={"Range": "bytes=0-2"}).status_code == 206
    stem, _, text = link.rpartition("/")
    other = "A" if text[-9] != "A" else "B"
    for changed in (f"{text[:-9]}{other}{text[-8:]}", f"A{text}", text.rpartition(".")[0], "x"):
        refused = api.get(f"{stem}/{changed}")
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:frs-distill:problem:bad-link")


def test_a_link_made_with_another_secret_is_refused(
    api: "TestClient", sessions: "sessionmaker[Session]"
) -> None:
    assert api.get("/api/v1/files/W10.abc").status_code == 403, "nothing was ever signed here"


def test_a_link_ends(api: "TestClient", link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=61)

    monkeypatch.setattr(signing, "datetime", Later)
    assert api.get(link).status_code == 410


def test_a_link_ends_with_the_key_that_made_it(
    api: "TestClient",
    submit: "Submit",
    hand: "Hand",
    stored_artifact: "Store",
    sessions: "sessionmaker[Session]",
) -> None:
    submit()
    stored = stored_artifact(hand.take())
    with sessions.begin() as session:
        session.add(key := ApiKey(name="laptop", role=Role.VIEWER, secret_sha256="0" * 64))
        session.flush()
        linked = signing.LinkedFile("artifact", stored.id, stored.sha256, key.id)
        text, _ = signing.sign(session, linked, seconds=60)
    assert api.get(f"/api/v1/files/{text}").content == stored.content
    with sessions.begin() as session:
        session.get_one(ApiKey, key.id).revoked_at = datetime.now(UTC)
    assert api.get(f"/api/v1/files/{text}").status_code == 403
