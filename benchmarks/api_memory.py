"""Whether the memory of an API process stays flat under an hour of everything it is asked for.

`python -m benchmarks.api_memory [--minutes 60]`: a server with a small database; pages, lists, reports,
submissions that are deleted again, uploads, downloads, streams that break off, refused logins, addresses that
are not there, from ever new clients. Prints its resident memory each minute, and at the end the fitted slope
and the means of both halves after a warm-up of a sixth of the time.
"""

import argparse
import io
import itertools
import random
import statistics
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.fixtures.server import serving
from tests.fuzz.campaign import UNLIMITED
from tests.fuzz.world import SPEC, VOC, World, make_world

API = "/api/v1"
PAUSE_SECONDS = 0.02
SHOWN = (
    "/", "/experiments/{experiment_id}", "/experiments/{experiment_id}/images", "/jobs/{job_id}",
    "/jobs/{job_id}/log", "/datasets", "/datasets/{dataset_id}", "/workers", "/storage", "/audit", "/submit",
    "/compare?experiment={experiment_id}",
    *(f"{API}/{name}" for name in ("experiments", "jobs", "workers", "datasets", "audit", "usage", "methods",
      "experiments/{experiment_id}", "experiments/{experiment_id}/comparison", "jobs/{job_id}", "zoo", "keys",
      "experiments/{experiment_id}/record", "jobs/{job_id}/metrics", "jobs/{job_id}/events", "openapi.json")),
    *(f"{API}/experiments/{{experiment_id}}/report?format={name}" for name in ("md", "html", "csv", "json")),
    *(f"{API}/{name}/download" for name in ("artifacts/{artifact_id}", "checkpoints/{checkpoint_id}")),
    "/metrics",
)  # fmt: skip


class Load:
    """Asks one thing after the other, by the seed's luck."""

    def __init__(self, client: httpx.Client, world: World, seed: int) -> None:
        self._client, self._world, self._luck = client, world, random.Random(seed)
        self._archive, self._weights = _archive(), _weights()
        self.statuses: Counter[int] = Counter()
        self._rare: Iterator[Callable[[], None]] = itertools.cycle(
            [
                self._submit,
                self._upload,
                self._import,
                self._stream,
                self._wrong_key,
                self._nowhere,
                self._link,
            ]
        )

    def step(self) -> None:
        """Two things to see, and one to do."""
        for _ in range(2):
            self._ask("GET", self._luck.choice(SHOWN))
        next(self._rare)()

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        ids = {name: self._luck.choice(each) for name, each in self._world.known.items()}
        answer = self._client.request(
            method, path.format(**ids), headers=self._headers() | dict(headers or {}), **more
        )
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, (path, answer.text[:2000])
        return answer

    def _headers(self) -> dict[str, str]:
        address = ".".join(str(self._luck.randrange(1, 255)) for _ in range(4))
        return {"X-Forwarded-For": address, "Accept": "text/html"}

    def _submit(self) -> None:
        made = self._ask("POST", f"{API}/experiments", json=SPEC).json()["id"]
        self._ask("POST", f"{API}/experiments/{made}/cancel")
        self._ask("DELETE", f"{API}/experiments/{made}")

    def _upload(self) -> None:
        name = f"sent-{self._luck.randrange(10**9)}"
        path = f"{API}/datasets/upload?name={name}&format=voc"
        answer = self._ask("POST", path, content=self._archive, headers={"Content-Type": "application/zip"})
        assert answer.status_code == 202, answer.text
        self._ask("DELETE", f"{API}/datasets/{name}")

    def _import(self) -> None:
        made = self._ask("POST", f"{API}/checkpoints", files={"file": ("a.safetensors", self._weights)})
        self._ask("POST", f"{API}/jobs/{made.json()['id']}/cancel")

    def _stream(self) -> None:
        with self._client.stream("GET", f"{API}/events?after=0", headers=self._headers()) as answer:
            self.statuses[answer.status_code] += 1
            next(answer.iter_bytes())

    def _wrong_key(self) -> None:
        key = f"frs_{'0' * 16}_{self._luck.randrange(10**21):022}"
        for sent in ({"Authorization": f"Bearer {key}"}, {"Cookie": f"frs_session_x={key}"}):
            answer = httpx.get(self._client.base_url.join("/"), headers={**self._headers(), **sent})
            self.statuses[answer.status_code] += 1
        answer = httpx.post(self._client.base_url.join("/login"), data={"key": key}, headers=self._headers())
        self.statuses[answer.status_code] += 1

    def _nowhere(self) -> None:
        for path in ("", f"{API}/", f"{API}/experiments/", "/static/"):
            self._ask(self._luck.choice(["GET", "POST", "BREW"]), f"{path}/{self._luck.randrange(10**9)}")

    def _link(self) -> None:
        link = self._ask("POST", f"{API}/artifacts/{{artifact_id}}/link", json={}).json()["url"]
        self._ask("GET", link[link.index(API) :])


def _archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(VOC.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(VOC.parent))
    return content.getvalue()


def _weights() -> bytes:
    header = b'{"a": {"dtype": "U8", "shape": [1000000], "data_offsets": [0, 1000000]}}'
    return len(header).to_bytes(8, "little") + header + bytes(10**6)


def resident_mb(pid: int) -> float:
    """What a process has in memory, in MB of 10^6 bytes."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line]
    return int(line.split()[1]) * 1024 / 1e6


def slope(minutes: Sequence[float], sizes: Sequence[float]) -> float:
    """MB an hour, fitted by least squares."""
    return statistics.linear_regression(minutes, sizes).slope * 60


def main() -> int:
    """Print a table, and end with 1 where memory grew by more than --allowed MB an hour."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api_memory", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--allowed", type=float, default=20.0, help="MB an hour")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder) / "world")
        place = world.settings.data_dir
        with serving(world.settings, place, **UNLIMITED, FRS_TRUSTED_PROXIES="127.0.0.1") as url:
            pid = int((place / "server.pid").read_text())
            with httpx.Client(base_url=url, headers=world.headers["admin"], timeout=60) as client:
                return watch(Load(client, world, asked.seed), pid, asked.minutes, asked.allowed)


def watch(load: Load, pid: int, num_minutes: float, allowed: float) -> int:
    """Load the server for so long, and tell of its memory."""
    started, minutes, sizes = time.monotonic(), [0.0], [resident_mb(pid)]
    print(
        f"| minute | requests | resident, MB |\n| ---: | ---: | ---: |\n| 0 | 0 | {sizes[0]:.1f} |",
        flush=True,
    )
    while minutes[-1] < num_minutes:
        load.step()
        time.sleep(PAUSE_SECONDS)
        minute = (time.monotonic() - started) / 60
        if minute >= len(sizes):
            minutes.append(minute)
            sizes.append(resident_mb(pid))
            print(f"| {minute:.0f} | {load.statuses.total()} | {sizes[-1]:.1f} |", flush=True)
    warm = max(1, len(sizes) // 6)
    late, kept = minutes[warm:], sizes[warm:]
    half, grown = len(kept) // 2, slope(late, kept)
    print(f"\nAnswers: {dict(sorted(load.statuses.items()))}")
    print(f"After minute {warm}: slope {grown:+.1f} MB an hour,", end=" ")
    print(f"first half {statistics.mean(kept[:half]):.1f} MB, second {statistics.mean(kept[half:]):.1f} MB")
    return int(grown > allowed)


if __name__ == "__main__":
    sys.exit(main())
