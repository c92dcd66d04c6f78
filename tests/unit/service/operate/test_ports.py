import socket

import pytest

from service.operate.errors import OperateError
from service.operate.ports import address, claim_port


def test_zero_gives_a_free_port() -> None:
    assert claim_port("127.0.0.1", 0) > 0


def test_a_taken_port_is_refused_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OperateError, match=r"--port 0 for any free one"):
            claim_port("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("fe80::1", "http://[fe80::1]:8000"),
        ("10.0.0.7", "http://10.0.0.7:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_the_address_can_be_reached_from_this_machine(host: str, expected: str) -> None:
    assert address(host, 8000) == expected
