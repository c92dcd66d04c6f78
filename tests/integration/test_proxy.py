"""The proxy of the deployment, as nginx runs it: in front of two real API processes."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.db.engine import create_engine, session_factory
from service.db.models import Event
from service.settings import Settings
from tests.fixtures.server import AS_ADMIN, admit_tester, serving
from tests.waiting import wait_until


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Proxy:
    """The proxy's address, a client that trusts it, and the folders of the API processes behind it."""

    url: str
    client: httpx.Client
    folders: list[Path]
    access_log: Path
    sessions: sessionmaker[Session]

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.access_log.read_text().splitlines()]


@pytest.fixture(scope="module")
def proxy(
    repo_root: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("no nginx here: install Debian's nginx-light")
    root = tmp_path_factory.mktemp("proxy")
    database = f"sqlite:///{shutil.copy(sqlite_template, root / 'frs.db')}"
    admit_tester(database)
    with ExitStack() as stack:
        apis, folders = [], []
        for name in ("api-1", "api-2"):
            (root / name).mkdir()
            settings = Settings(data_dir=root, database_url=database)
            apis.append(stack.enter_context(serving(settings, root / name)))
            folders.append(root / name)
        port = free_port()
        _configure(repo_root, root, apis, port)
        process = subprocess.Popen([nginx, "-e", "stderr", "-c", root / "nginx.conf", "-g", "daemon off;"])
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        trusted = ssl.create_default_context(cafile=str(root / "secrets" / "tls_certificate"))
        client = stack.enter_context(httpx.Client(verify=trusted, timeout=20, trust_env=False))
        url = f"https://localhost:{port}"
        wait_until(lambda: _answers(client, url), seconds=20)
        engine = create_engine(database)
        stack.callback(engine.dispose)
        yield Proxy(url, client, folders, root / "access.log", session_factory(engine))


def _configure(repo_root: Path, root: Path, apis: list[str], port: int) -> None:
    """The deployment's own configuration, with this machine's addresses and files."""
    subprocess.run(
        [repo_root / "docker" / "make-secrets.sh"], env={"FRS_SECRETS": str(root / "secrets")}, check=True
    )
    text = (repo_root / "docker" / "nginx.conf").read_text()
    for name, url in zip(("api-1:8000", "api-2:8000"), apis, strict=True):
        text = text.replace(name, url.removeprefix("http://"))
    text = text.replace("/tmp/", f"{root}/").replace("/run/secrets/", f"{root}/secrets/")
    text = text.replace("/dev/stdout", f"{root}/access.log")
    for inside in ("8081", "8444", "8443"):
        text = re.sub(rf"listen (127.0.0.1:)?{inside}", f"listen 127.0.0.1:{free_port()}", text)
    text = re.sub(r"(listen 127.0.0.1:)\d+( ssl http2;)", rf"\g<1>{port}\2", text, count=1)
    (root / "nginx.conf").write_text(text)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


def test_both_processes_are_asked_and_the_log_is_json_without_queries(proxy: Proxy) -> None:
    for _ in range(6):
        answer = proxy.client.get(f"{proxy.url}/healthz?key=frs_0123", headers={"X-Request-ID": "through"})
        assert answer.headers["X-Request-ID"] == "through"
    lines = wait_until(lambda: [line for line in proxy.lines() if line["request_id"] == "through"])
    assert len({line["upstream"] for line in lines}) == 2
    assert {line["path"] for line in lines} == {"/healthz"}
    assert "frs_0123" not in proxy.access_log.read_text()


def test_metrics_are_not_for_those_outside(proxy: Proxy) -> None:
    for path in ("/metrics", "//metrics", "/./metrics", "/%6Detrics", "/x/../metrics"):
        answer = proxy.client.get(f"{proxy.url}{path}")
        assert answer.status_code == 404, path
        assert "frs_build_info" not in answer.text


def test_readiness_is_not_for_those_outside(proxy: Proxy) -> None:
    for path in ("/readyz", "//readyz", "/./readyz", "/%72eadyz", "/x/../readyz"):
        answer = proxy.client.get(f"{proxy.url}{path}")
        assert answer.status_code == 404, path
        assert "broker" not in answer.text


def test_an_event_arrives_at_once(proxy: Proxy) -> None:
    arrived: list[float] = []

    def listen() -> None:
        with proxy.client.stream("GET", f"{proxy.url}/api/v1/events", headers=AS_ADMIN) as stream:
            for line in stream.iter_lines():
                if "hello through the proxy" in line:
                    arrived.append(time.monotonic())
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    open_streams = "frs_http_streams_open 1.0"
    urls = [f"{_direct(folder)}/metrics" for folder in proxy.folders]
    wait_until(lambda: any(open_streams in httpx.get(url, headers=AS_ADMIN).text for url in urls))
    with proxy.sessions.begin() as session:
        session.add(Event(kind="worker.changed", message="hello through the proxy", data={}))
    sent = time.monotonic()
    listener.join(timeout=20)
    # A proxy that buffers would hold it back until a minute's worth of comments has come together.
    assert arrived
    assert arrived[0] - sent < 10


def _direct(folder: Path) -> str:
    """The address at which a process answers itself."""
    found = re.search(r"running on (http://[\d.:]+)", (folder / "server.log").read_text())
    assert found is not None
    return found[1]


def test_a_body_that_is_too_large_is_refused_by_the_api_in_its_own_words(proxy: Proxy) -> None:
    answer = proxy.client.post(
        f"{proxy.url}/api/v1/jobs", content=b"x" * 3_000_000, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_one_process_the_other_answers(proxy: Proxy) -> None:
    pid = int((proxy.folders[0] / "server.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not _listens(_direct(proxy.folders[0])))
    answers = [proxy.client.get(f"{proxy.url}/healthz").status_code for _ in range(10)]
    assert answers == [200] * 10


def _listens(url: str) -> bool:
    try:
        httpx.get(f"{url}/healthz")
    except httpx.TransportError:
        return False
    return True
