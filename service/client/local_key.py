"""The key of the system that `frs up` runs here: found without being asked for, and sent nowhere else."""

from pathlib import Path

from service.access.secret_file import read_secret
from service.client.errors import ClientError
from service.operate.folder import SystemFolder


class LocalKeyError(ClientError):
    """The key is there and cannot be used."""


def local_key(data_dir: Path, url: str) -> str | None:
    """The key of the system in that folder; None unless it runs now, and at that address.

    An address that a crashed system left behind may be another program's by now: it gets no key.
    """
    folder = SystemFolder(data_dir)
    if folder.read_url() != url or folder.find_supervisor() is None:
        return None
    try:
        return read_secret(folder.key_file)
    except OSError as error:
        raise LocalKeyError(f"cannot use the key in {folder.key_file}: {error}") from error
