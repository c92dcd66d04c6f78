"""What a job leaves: files, checkpoints and its log, and the client's verbs for them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from service.client.base import Answer, Page
from service.client.errors import UnreachableError
from service.client.saving import save
from service.client.transport import Transport, checked, segment

_JOBS = "/api/v1/jobs"


class Artifact(Answer):
    """A stored file of a job; `download` is its path on the server."""

    id: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    download: str


class Checkpoint(Answer):
    """A stored checkpoint of a job; `download` is its path on the server."""

    id: str
    kind: str
    step: int
    sha256: str
    size_bytes: int
    download: str


class LogText(Answer):
    """Log text after a place; `finished` once no more can come."""

    text: str
    next_after: str
    finished: bool


class JobFileVerbs(Transport):
    """Lists and fetches what jobs leave, and reads what they print."""

    def artifacts(self, job_id: str) -> Sequence[Artifact]:
        """The job's files that are no checkpoints, by name."""
        return self._get(f"{_JOBS}/{segment(job_id)}/artifacts", Page[Artifact]).items

    def content(self, artifact: Artifact) -> bytes:
        """The bytes of a file."""
        return self._send("GET", artifact.download, retry=True, follow_redirects=True).content

    def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """The job's stored checkpoints, by rising step."""
        return self._get(f"{_JOBS}/{segment(job_id)}/checkpoints", Page[Checkpoint]).items

    def save(self, file: Artifact | Checkpoint, path: Path) -> None:
        """Write a stored file to a path, whole and as recorded, or not at all; a broken transfer goes on.

        Also raises DamagedFileError and OSError.
        """
        for delay in (*self._retry_delays, None):
            try:
                save(lambda headers: self._stream(file.download, headers), path, file.sha256)
            except httpx.TransportError as error:
                if delay is None:
                    raise UnreachableError(self.url, error) from error
                time.sleep(delay)
            else:
                return

    def log(self, job_id: str, after: str | None = None) -> LogText:
        """What the job printed after a place that an earlier answer named."""
        query = {} if after is None else {"after": after}
        return self._get(f"{_JOBS}/{segment(job_id)}/logs", LogText, query)

    def whole_log(self, job_id: str) -> str:
        """All that the job printed so far."""
        parts: list[str] = []
        chunk = self.log(job_id)
        while chunk.text:
            parts.append(chunk.text)
            if chunk.finished:
                break
            chunk = self.log(job_id, chunk.next_after)
        return "".join(parts)

    @contextmanager
    def _stream(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        # a server may send one on to the store; httpx takes no key along to another host
        with self._http.stream("GET", path, headers=headers, follow_redirects=True) as response:
            if not response.is_success:
                response.read()
            yield checked(response)
