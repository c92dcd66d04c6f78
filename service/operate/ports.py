"""TCP ports and addresses of this machine."""

import socket
from ipaddress import ip_address

from service.operate.errors import OperateError


def claim_port(host: str, port: int) -> int:
    """The port if it is free, or a free one for 0. Raises OperateError where another program listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OperateError(
                f"cannot listen on {host} port {port}: {error.strerror or error}; "
                "give another with --port, or --port 0 for any free one"
            ) from error
        return int(probe.getsockname()[1])


def address(host: str, port: int) -> str:
    """The URL at which this machine reaches a server that listens on `host`.

    >>> address("0.0.0.0", 8000), address("::1", 80)
    ('http://127.0.0.1:8000', 'http://[::1]:80')
    """
    try:
        ip = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if ip.is_unspecified:
        return f"http://{'127.0.0.1' if ip.version == 4 else '[::1]'}:{port}"
    return f"http://{host if ip.version == 4 else f'[{host}]'}:{port}"
