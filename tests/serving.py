"""Servers that tests start in processes of their own: a port for one, and when it answers."""

import socket
import subprocess
import time
from contextlib import ExitStack

import httpx


def free_ports(number: int) -> list[int]:
    """So many different ports of this machine that nobody listens at now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """A port of this machine that nobody listens at now."""
    return free_ports(1)[0]


def wait_for_server(process: "subprocess.Popen[bytes]", url: str, *, seconds: float) -> None:
    """Returns once the address answers well. Fails where the process ends first, and after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answers at {url}")
