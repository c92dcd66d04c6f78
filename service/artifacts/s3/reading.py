"""An object of a bucket as a file: read from any place, and taken up again where a connection breaks off."""

import io
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from service.artifacts.base import ArtifactError

_TRIES = 4


class RemoteFile(io.RawIOBase):
    """Raises ArtifactError where the object cannot be read to its end, or was replaced meanwhile."""

    def __init__(self, client: Any, named: dict[str, str], size_bytes: int, etag: str) -> None:
        self._client, self._named, self._etag = client, named, etag
        self._size_bytes, self._position = size_bytes, 0
        self._body: Any = None

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is; the next read asks for the object from there."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        if base + offset != self._position:
            self._drop()
            self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Fill what can be filled with what comes next; 0 at the end."""
        wanted = min(len(buffer), self._size_bytes - self._position)
        if wanted <= 0:
            return 0
        content = self._next(wanted)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def close(self) -> None:
        """Let go of the connection."""
        self._drop()
        super().close()

    def _next(self, num_bytes: int) -> bytes:
        for tries_left in reversed(range(_TRIES)):
            try:
                content = bytes(self._opened().read(num_bytes))
                if content:
                    return content
                cause: Exception = EOFError("it broke off")
            except (ClientError, BotoCoreError, HTTPError, OSError) as error:
                cause = error
            self._drop()
            if not tries_left or _is_refusal(cause):
                raise ArtifactError(f"s3:{self._named['Key']} cannot be read ({cause})") from cause
        raise AssertionError("the last try returns or raises")

    def _opened(self) -> Any:
        if self._body is None:
            answer = self._client.get_object(
                **self._named, Range=f"bytes={self._position}-", IfMatch=self._etag
            )
            self._body = answer["Body"]
        return self._body

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


def _is_refusal(error: Exception) -> bool:
    """Whether the server itself said no, after boto3's own tries."""
    return isinstance(error, ClientError)
