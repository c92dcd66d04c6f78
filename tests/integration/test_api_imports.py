"""Checkpoints come in by upload, path or address; what could do harm does not come in at all."""

import hashlib
import json
import pickle
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from service.artifacts import open_store
from service.db.models import Artifact, Job
from service.settings import Settings
from tests.fixtures.absent_stores import BreakStore, says_unavailable
from tests.fixtures.server import admit_tester

if TYPE_CHECKING:
    from fastapi.testclient import TestClient
    from sqlalchemy.orm import Session, sessionmaker

    from tests.fixtures.ledgers import Hand

PATH = "/api/v1/checkpoints"
KEY = {"Idempotency-Key": "the same"}


def safetensors(header: dict[str, Any] | bytes, data: bytes = b"\0" * 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


GOOD = safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
SHA256 = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "open").mkdir()
    admit_tester(database_url)
    return Settings(
        data_dir=tmp_path,
        database_url=database_url,
        import_roots=(tmp_path / "open",),
        max_checkpoint_bytes=20_000,
    )


def upload(api: "TestClient", content: bytes = GOOD, name: str = "a.safetensors", **fields: str) -> Any:
    return api.post(PATH, files={"file": (name, content)}, data=fields)


def test_an_upload_becomes_a_job_with_the_file_under_a_name_of_ours(
    api: "TestClient", hand: "Hand", sessions: "sessionmaker[Session]", settings: Settings
) -> None:
    answer = upload(api, name="../../../ét<c>.safetensors", name_field="")
    assert answer.status_code == 422, "an unknown field is a mistake"
    answer = upload(api, name="../../../ét<c>.safetensors")
    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["state"]) == ("import", "queued")
    with sessions() as session:
        [row] = session.scalars(select(Artifact))
    assert row.name == "inputs/checkpoint.safetensors"
    assert row.uri == f"file:jobs/{answer.json()['id']}/0/{SHA256}.safetensors"
    claim = hand.claim()
    assert claim is not None
    assert claim.inputs["source"].sha256 == SHA256
    with open_store(settings.resolved_artifacts_url).open(claim.inputs["source"].uri) as file:
        assert file.read() == GOOD


def test_a_path_below_a_root_and_an_allowed_address_are_taken(
    api: "TestClient", hand: "Hand", tmp_path: Path
) -> None:
    (tmp_path / "open" / "b.safetensors").write_bytes(GOOD)
    answer = api.post(PATH, json={"path": str(tmp_path / "open" / "b.safetensors"), "name": "b"})
    assert (answer.status_code, answer.json()["name"]) == (202, "b")
    url = "https://download.openmmlab.com/a/b-0123abcd.pth"
    answer = api.post(PATH, json={"url": url, "sha256": SHA256})
    assert answer.status_code == 202
    claims = [hand.claim(), hand.claim()]
    assert sorted(len(claim.inputs) for claim in claims if claim) == [0, 1]


def test_the_same_request_again_is_the_same_job(api: "TestClient", sessions: "sessionmaker[Session]") -> None:
    first, second = (api.post(PATH, files={"file": ("a.safetensors", GOOD)}, headers=KEY) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    with sessions() as session:
        assert len(session.scalars(select(Job)).all()) == 1


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run",))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pth", pickle.dumps(_Bomb()), "not a PyTorch checkpoint"),
        ("a.pkl", GOOD, "name ends in"),
        ("a", GOOD, "name ends in"),
        ("a.safetensors", b"", "not a safetensors file"),
        ("a.safetensors", safetensors(b"[" * 9000), "not JSON"),
        ("a.safetensors", safetensors({}), "no tensors"),
        ("a.safetensors", struct.pack("<Q", 2**63), "length is wrong"),
        ("a.safetensors", GOOD[:-1], "describes 'a' wrongly"),
        (
            "a.safetensors",
            safetensors({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}),
            "'a' wrongly",
        ),
        (
            "a.safetensors",
            safetensors({"a": {"dtype": "X", "shape": [2], "data_offsets": [0, 8]}}),
            "'a' wrongly",
        ),
        (
            "a.safetensors",
            safetensors({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [8, 4]}}),
            "'a' wrongly",
        ),
        ("a.safetensors", safetensors({"a": 1}), "'a' wrongly"),
    ],
)
def test_what_is_no_checkpoint_or_could_run_code_is_refused_at_once(
    api: "TestClient",
    sessions: "sessionmaker[Session]",
    tmp_path: Path,
    name: str,
    content: bytes,
    reason: str,
) -> None:
    answer = upload(api, content, name)
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["field"], reason in fault["message"]) == ("file", True), fault
    with sessions() as session:
        assert session.scalars(select(Job)).all() == []
    assert not list((tmp_path / "artifacts").rglob("*.safetensors"))


@pytest.mark.torch
def test_a_hostile_pickle_within_a_real_checkpoint_is_refused(api: "TestClient", tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": {"a": torch.zeros(2)}, "meta": _Bomb()}, tmp_path / "a.pth")
    answer = upload(api, (tmp_path / "a.pth").read_bytes(), "a.pth")
    assert (answer.status_code, "could run code" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({}, "path", "either a `path` or a `url`"),
        ({"path": "/a.pth", "url": "https://b/c.pth"}, "path", "either"),
        ({"path": "/etc/passwd"}, "path", "name ends in"),
        ({"path": "/etc/passwd.pth"}, "path", "is not below"),
        ({"path": "a.pth"}, "path", "absolute"),
        ({"url": "http://download.openmmlab.com/a.pth"}, "url", "https only"),
        ({"url": "https://169.254.169.254/a.pth"}, "url", "FRS_WEIGHTS_HOSTS"),
        ({"url": "https://user:pw@download.openmmlab.com/a.pth"}, "url", "without user"),
        ({"url": "https://download.openmmlab.com@evil.example/a.pth"}, "url", "without user"),
        ({"url": "https://download.openmmlab.com.evil.example/a.pth"}, "url", "FRS_WEIGHTS_HOSTS"),
        ({"url": "/etc/a.pth"}, "url", "https://HOST/PATH"),
        ({"url": "file:///etc/a.pth"}, "url", "https only"),
        ({"path": "/a.pth", "name": "<script>"}, "name", "letters"),
        ({"path": "/a.pth", "sha256": "abc"}, "sha256", "pattern"),
    ],
)
def test_a_place_that_may_not_be_read_is_refused_by_its_field(
    api: "TestClient", body: dict[str, str], field: str, reason: str
) -> None:
    answer = api.post(PATH, json=body)
    assert answer.status_code == 422
    fault = answer.json()["errors"][0]
    assert (fault["field"], reason in fault["message"]) == (field, True), fault


def test_a_file_of_another_hash_or_of_no_place_is_refused(api: "TestClient") -> None:
    assert upload(api, sha256="0" * 64).json()["errors"][0]["field"] == "sha256"
    assert upload(api, path="/a.pth").json()["errors"][0]["field"] == "file"
    assert api.post(PATH, files={"other": ("a.pth", b"x")}).json()["errors"][0]["field"] == "file"
    assert api.post(PATH, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    broken = {"Content-Type": "multipart/form-data; boundary=abc"}
    assert api.post(PATH, content=b"--abc\r\nnonsense", headers=broken).status_code in (400, 422)


def test_more_than_the_limit_is_refused(api: "TestClient", tmp_path: Path) -> None:
    answer = upload(api, GOOD + b"\0" * 20_000)
    assert (answer.status_code, "FRS_MAX_CHECKPOINT_BYTES" in answer.json()["detail"]) == (413, True)
    (tmp_path / "open" / "b.safetensors").write_bytes(GOOD + b"\0" * 20_000)
    answer = api.post(PATH, json={"path": str(tmp_path / "open" / "b.safetensors")})
    assert (answer.status_code, "FRS_MAX_CHECKPOINT_BYTES" in answer.json()["detail"]) == (422, True)


def test_another_sites_page_cannot_send_one(api: "TestClient") -> None:
    answer = api.post(
        PATH, files={"file": ("a.safetensors", GOOD)}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403


def test_without_the_store_an_upload_is_told_to_come_again(
    api: "TestClient", sessions: "sessionmaker[Session]", break_store: BreakStore
) -> None:
    break_store()
    assert says_unavailable(upload(api))
    with sessions() as session:
        assert session.scalars(select(Job)).all() == []
