"""Files of weights: from a mirror, from an https server that is allowed, and from nowhere else."""

import hashlib
import http.server
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from frs_core.errors import CheckpointError, Stopped
from frs_core.weights import fetch as fetching
from frs_core.weights.fetch import InterruptedDownloadError, fetch
from frs_core.weights.reference import parse_address
from frs_core.weights.sources import WeightsSources

if TYPE_CHECKING:
    from tests.fixtures.https_server import HttpsServer

CONTENT = b"weights" * 1000
DIGITS = hashlib.sha256(CONTENT).hexdigest()[:8]
NAME = f"model-{DIGITS}.pth"

Fetch = Callable[..., Path]


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


@pytest.fixture
def get(https_server: "HttpsServer", mirror: Path) -> Fetch:
    """Fetches a path of the server, which is allowed; `hosts` and `stop` replace what is usual."""

    def get(path: str, *, hosts: tuple[str, ...] | None = None, stop: bool = False) -> Path:
        own = (https_server.host,)
        sources = WeightsSources(mirror=mirror, hosts=own if hosts is None else hosts, private_hosts=own)
        return fetch(parse_address(https_server.url(path)), sources, should_stop=lambda: stop)

    return get


def kept(mirror: Path) -> list[str]:
    return sorted(str(path.relative_to(mirror)) for path in mirror.rglob("*") if path.is_file())


def redirect_to(url: str) -> Any:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_a_download_is_kept_in_the_mirror_and_not_repeated(
    get: Fetch, https_server: "HttpsServer", mirror: Path
) -> None:
    https_server.files[f"/zoo/{NAME}"] = CONTENT
    first = get(f"/zoo/{NAME}")
    assert first.read_bytes() == CONTENT
    assert get(f"/zoo/{NAME}", hosts=()) == first, "what is in the mirror needs no host"
    assert https_server.asked == [f"/zoo/{NAME}"]
    assert kept(mirror) == [f"{https_server.host}/zoo/{NAME}"]


def test_a_mirror_may_hold_a_file_under_its_bare_name_where_that_has_a_hash(
    get: Fetch, https_server: "HttpsServer", mirror: Path
) -> None:
    mirror.mkdir()
    (mirror / NAME).write_bytes(CONTENT)
    (mirror / "plain.pth").write_bytes(b"of some other address")
    https_server.files["/plain.pth"] = CONTENT
    assert get(f"/deep/in/it/{NAME}") == mirror / NAME
    assert get("/plain.pth").read_bytes() == CONTENT


def test_another_content_than_the_name_promises_is_refused(
    get: Fetch, https_server: "HttpsServer", mirror: Path
) -> None:
    https_server.files[f"/{NAME}"] = CONTENT + b"!"
    with pytest.raises(CheckpointError, match=f"must begin with {DIGITS}"):
        get(f"/{NAME}")
    assert kept(mirror) == []
    (mirror / NAME).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=f"must begin with {DIGITS}.*delete it"):
        get(f"/{NAME}")


def test_a_host_that_is_not_allowed_is_never_asked(get: Fetch, https_server: "HttpsServer") -> None:
    https_server.files["/a.pth"] = CONTENT
    with pytest.raises(CheckpointError, match=r"may not be fetched from localhost:\d+"):
        get("/a.pth", hosts=("download.openmmlab.com",))
    assert https_server.asked == []


def test_redirects_stay_on_https_and_on_allowed_hosts(get: Fetch, https_server: "HttpsServer") -> None:
    https_server.files["/b.pth"] = CONTENT
    port = https_server.host.rpartition(":")[2]
    https_server.answers |= {
        "/here.pth": redirect_to("/b.pth"),
        "/plain.pth": redirect_to("http://" + https_server.host + "/b.pth"),
        "/away.pth": redirect_to(f"https://127.0.0.1:{port}/b.pth"),
        "/file.pth": redirect_to("file:///etc/passwd"),
        "/round.pth": redirect_to("/round.pth"),
    }
    assert get("/here.pth").read_bytes() == CONTENT
    asked = len(https_server.asked)
    for path, reason in [
        ("/plain.pth", "redirects to http://"),
        ("/away.pth", f"not be fetched from 127.0.0.1:{port}"),
        ("/file.pth", "redirects to file://"),
    ]:
        with pytest.raises(CheckpointError, match=reason):
            get(path)
    assert len(https_server.asked) == asked + 3, "a refused redirect was followed"
    with pytest.raises(CheckpointError, match="more than 5 times"):
        get("/round.pth")


def test_a_server_that_cannot_prove_who_it_is_is_not_believed(
    get: Fetch, https_server: "HttpsServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    https_server.files["/a.pth"] = CONTENT
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(CheckpointError, match="certificate verify failed"):
        get("/a.pth")
    assert https_server.asked == []


def test_without_a_way_to_the_host_the_error_says_where_to_place_the_file(mirror: Path) -> None:
    address = parse_address(f"https://localhost:9/zoo/{NAME}")
    sources = WeightsSources(mirror=mirror, hosts=("localhost:9",), private_hosts=("localhost:9",))
    with pytest.raises(CheckpointError) as caught:
        fetch(address, sources, should_stop=lambda: False)
    message = str(caught.value)
    assert "could not be downloaded" in message
    assert f"{mirror}/localhost:9/zoo/{NAME} or {mirror}/{NAME}" in message


def test_a_file_that_is_not_there_ends_the_job_and_a_fault_of_the_moment_does_not(
    get: Fetch, https_server: "HttpsServer", mirror: Path
) -> None:
    with pytest.raises(CheckpointError, match="HTTP 404"):
        get("/absent.pth")

    def break_off(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:100])

    https_server.answers |= {"/broken.pth": break_off, "/busy.pth": lambda each: each.send_error(503)}
    for path in ("/broken.pth", "/busy.pth"):
        with pytest.raises(InterruptedDownloadError, match=path):
            get(path)
    assert kept(mirror) == []


def test_more_than_any_detector_weighs_is_not_downloaded(
    get: Fetch, https_server: "HttpsServer", mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 1000)
    https_server.files["/large.pth"] = CONTENT
    with pytest.raises(CheckpointError, match="more than 1000 bytes"):
        get("/large.pth")
    assert kept(mirror) == []


def test_a_run_that_must_stop_stops_downloading(
    get: Fetch, https_server: "HttpsServer", mirror: Path
) -> None:
    https_server.files["/a.pth"] = CONTENT
    with pytest.raises(Stopped):
        get("/a.pth", stop=True)
    assert kept(mirror) == []
