"""Downloads carry the hash that was verified when the file was stored."""

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Store
    from tests.fixtures.submissions import Submit


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


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
