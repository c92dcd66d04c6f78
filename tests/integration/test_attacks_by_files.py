"""What was done to systems like this one, by files and names of files, tried on this one.

docs/security.md says which attack is whose.
"""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy.orm import Session, sessionmaker

from tests.fixtures.server import Body

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Store
    from tests.fixtures.submissions import Submit

API = "/api/v1"
TRAVERSALS = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%252f..%252f..%252fetc%252fpasswd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "....//....//etc/passwd",
    "..;/..;/etc/passwd",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "..%5c..%5cetc%5cpasswd",
    "..%c0%af..%c0%afetc%c0%afpasswd",
    "x%00.json",
    "%ff%fe",
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the kind of database."""
    return sqlite_url


def readable_paths(api: "TestClient") -> Iterator[str]:
    """Each path that is read and takes a name from the client."""
    for route in iter_route_contexts(api.app.routes):  # type: ignore[attr-defined]
        if "GET" in (route.methods or ()) and "{" in str(route.path):
            yield str(route.path)


def test_no_path_leads_to_a_file_of_the_server(api: "TestClient") -> None:
    paths = sorted(set(readable_paths(api)))
    assert len(paths) > 20
    for path in paths:
        parts = path.split("/")
        names = [place for place, part in enumerate(parts) if part.startswith("{")]
        for attack in TRAVERSALS:
            tried = [attack if place == names[-1] else "abcd1234" if place in names else part
                     for place, part in enumerate(parts)]  # fmt: skip
            answer = api.get("/".join(tried))
            assert 400 <= answer.status_code < 500, (path, attack, answer.status_code)
            assert "root:x:" not in answer.text, (path, attack)


@pytest.mark.parametrize("attack", ["../settings.py", *TRAVERSALS])
def test_static_files_are_those_of_the_folder(api: "TestClient", attack: str) -> None:
    answer = api.get(f"/static/{attack}")
    assert answer.status_code in (400, 404)
    assert "root:x:" not in answer.text


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "../../etc/passwd",
        "..\\..\\etc\\passwd",
        "/etc/passwd",
        "/proc/self/environ",
        "s3://bucket/../../etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/w.pth",
        "https://127.0.0.1/w.pth",
        "https://[::1]/w.pth",
        "https://0x7f000001/w.pth",
        "https://download.pytorch.org@evil.example/w.pth",
        "https://download.pytorch.org.evil.example/w.pth",
        "https://evil.example/?https://download.pytorch.org/w.pth",
        "https://download.pytorch.org:22/w.pth",
        "https://download.pytorch.org/../w.pth",
        "gopher://download.pytorch.org/w.pth",
    ],
)
@pytest.mark.parametrize("place", ["teacher", "student"])
def test_weights_come_from_no_address_and_no_file_that_was_not_allowed(
    api: "TestClient", experiment_body: Body, source: str, place: str
) -> None:
    experiment_body[place]["checkpoint"] = source
    if place == "teacher":
        experiment_body["teacher"]["train"] = None
    answer = api.post(f"{API}/experiments", json=experiment_body)
    assert answer.status_code == 422, answer.text
    assert f"{place}.checkpoint" in [error["field"] for error in answer.json()["errors"]]
    assert "root:x:" not in answer.text
    assert api.get(f"{API}/jobs").json()["items"] == []


@pytest.mark.parametrize("root", ["file:///etc", "http://127.0.0.1/data", "../../etc", "/etc", "/proc/self"])
def test_a_data_set_at_an_odd_place_shows_nothing_of_it(
    api: "TestClient", experiment_body: Body, root: str
) -> None:
    experiment_body["dataset"] = {"format": "coco", "root": root, "train": "passwd", "val": "shadow"}
    answer = api.post(f"{API}/experiments", json=experiment_body)
    assert answer.status_code == 422
    assert "root:x:" not in answer.text


@pytest.fixture
def record(submit: "Submit", hand: "Hand", api: "TestClient") -> Body:
    """A record of an ended experiment, as this server gives it."""
    experiment = submit()
    hand.finish(hand.take())
    found: Body = api.get(f"{API}/experiments/{experiment}/record").json()
    return found


def imported(api: "TestClient", record: Body, **file: Any) -> Any:
    """What comes of a record whose first job has one file, described so."""
    import hashlib

    content = b"<script>alert(1)</script>"
    told = {
        "name": "predictions_test.json", "media_type": "application/json", "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(), **file,
    }  # fmt: skip
    record["experiment"]["id"] = "0123456789abcdef"
    record["jobs"][0]["files"] = [told]
    return api.post(
        f"{API}/experiments/import",
        files=[("record", (None, json.dumps(record))), ("files", ("../../evil.html", content))],
    )


@pytest.mark.parametrize(
    "name",
    [
        "../../../evil.json",
        "/etc/cron.d/evil",
        "..",
        "a/../../evil",
        "a\\..\\evil",
        "a\0b",
        "%2e%2e%2fevil",
        "",
    ],
)
def test_a_file_in_a_record_is_never_stored_where_its_name_says(
    api: "TestClient", record: Body, tmp_path: Path, name: str
) -> None:
    before = set(tmp_path.rglob("*"))
    answer = imported(api, record, name=name)
    assert answer.status_code == 422, answer.text
    assert {path.name for path in set(tmp_path.rglob("*")) - before} <= {"frs.db-wal", "frs.db-shm"}


@pytest.mark.parametrize(
    "media_type", ["text/html\r\nSet-Cookie: session=mine", "text/html\nX: y", "text/\x7fhtml", "é"]
)
def test_a_file_brings_no_header_of_its_own(api: "TestClient", record: Body, media_type: str) -> None:
    answer = imported(api, record, media_type=media_type)
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers


def test_a_page_among_the_files_is_downloaded_and_never_shown(api: "TestClient", record: Body) -> None:
    answer = imported(api, record, media_type="text/html")
    assert answer.status_code == 201, answer.text
    job = answer.json()["jobs"][0]["id"]
    [file] = api.get(f"{API}/jobs/{job}/artifacts").json()["items"]
    served = api.get(file["download"])
    assert served.content == b"<script>alert(1)</script>"
    assert served.headers["content-disposition"].startswith("attachment;")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in served.headers["content-security-policy"]
    assert served.headers["cross-origin-resource-policy"] == "same-origin"


def png(width: int, height: int) -> bytes:
    """A picture that is tiny to send, and huge to draw."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def trained(
    submit: "Submit", hand: "Hand", stored_checkpoint: "Store", sessions: sessionmaker[Session]
) -> str:  # fmt: skip
    """The id of a job whose weights find boxes."""
    from sqlalchemy import update

    from service.db.models import Checkpoint

    submit()
    lease = hand.take()
    stored_checkpoint(lease)
    with sessions.begin() as session:
        session.execute(update(Checkpoint).values(details={"classes": ["red"]}))
    hand.finish(lease)
    return lease.job_id


@pytest.mark.parametrize(
    "content", [png(60_000, 60_000), b"GIF89a" + b"\xff" * 20, b"<svg onload='x'/>", b"\x80\x04."]
)
def test_a_picture_that_is_a_bomb_or_none_is_refused(api: "TestClient", trained: str, content: bytes) -> None:
    files = {"images": ("cells.png", io.BytesIO(content))}
    answer = api.post(f"{API}/jobs/{trained}/predict", files=files)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "images.0"


def test_a_few_lines_of_yaml_that_stand_for_billions_are_refused(api: "TestClient") -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    form = {"_mode": "yaml", "_key": "0123456789abcdef", "_yaml": "\n".join(lines)}
    answer = api.post("/submit/check", data=form)
    assert answer.status_code == 200
    assert len(answer.text) < 20_000


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!python/module:os"]
)
def test_yaml_makes_no_objects(api: "TestClient", tag: str) -> None:
    form = {"_mode": "yaml", "_key": "0123456789abcdef", "_yaml": f"name: {tag}"}
    answer = api.post("/submit", data=form, follow_redirects=False)
    assert answer.status_code == 422
    assert api.get(f"{API}/jobs").json()["items"] == []
