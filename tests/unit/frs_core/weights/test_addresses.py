"""Nobody makes a worker connect to a network of its own by what a name server says."""

import http.server
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from frs_core.errors import CheckpointError
from frs_core.weights import fetch as fetching
from frs_core.weights import pinned
from frs_core.weights.addresses import Resolve, reachable
from frs_core.weights.reference import parse_address
from frs_core.weights.sources import WeightsSources

if TYPE_CHECKING:
    from tests.fixtures.https_server import HttpsServer

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
OWN = ["10.0.0.7", "172.16.3.4", "192.168.1.1", "127.0.0.1", "127.9.9.9", "::1", "fd12:3456::1", "100.64.1.2"]
OWN_IN_DISGUISE = ["::ffff:10.0.0.7", "::ffff:127.0.0.1", "64:ff9b::a00:7", "2002:a00:7::1"]
NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "fec0::1",
]


def resolver(*addresses: str) -> Resolve:
    def resolve(host: str, port: int) -> Sequence[str]:
        assert (host, port) == ("weights.example", 8443)
        return addresses

    return resolve


def judged(*addresses: str, private: bool) -> list[str]:
    return reachable("weights.example", 8443, private=private, resolve=resolver(*addresses))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert judged(address, private=False) == [address]
    assert judged(address, private=True) == [address]


@pytest.mark.parametrize("address", [*OWN, *OWN_IN_DISGUISE])
def test_addresses_of_a_network_of_ones_own_are_for_hosts_that_may_have_them(address: str) -> None:
    with pytest.raises(ValueError, match=r"weights\.example has the address .*FRS_WEIGHTS_PRIVATE_HOSTS"):
        judged(address, private=False)
    if address in OWN:
        assert judged(address, private=True) == [address]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_for_nobody(address: str) -> None:
    for private in (False, True):
        with pytest.raises(ValueError, match="not on the public internet"):
            judged(address, private=private)


def test_one_bad_address_among_good_ones_is_enough() -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        judged(*PUBLIC, "127.0.0.1", private=False)


def test_a_host_without_an_address_is_not_reached() -> None:
    with pytest.raises(OSError, match="no address"):
        judged(private=True)


def test_a_name_is_looked_up_once_and_the_connection_goes_there(
    https_server: "HttpsServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers otherwise the second time (rebinding) is not asked a second time."""
    asked: list[str] = []
    true_lookup = socket.getaddrinfo

    def lookup(host: Any, *arguments: Any, **named: Any) -> Any:
        asked.append(str(host))
        return true_lookup("127.0.0.1", *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    https_server.files["/a.pth"] = b"weights"
    own = (https_server.host,)
    sources = WeightsSources(mirror=tmp_path, hosts=own, private_hosts=own)
    fetching.fetch(parse_address(https_server.url("/a.pth")), sources, should_stop=lambda: False)
    assert asked.count("localhost") == 1
    assert set(asked) <= {"localhost", "127.0.0.1"}


def test_every_redirect_is_judged_anew(
    https_server: "HttpsServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "https://inside.example/b.pth")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    true_reachable = pinned.reachable

    def judge(host: str, port: int, *, private: bool, **_: object) -> list[str]:
        named = resolver_of({"inside.example": "169.254.169.254", "localhost": "127.0.0.1"})
        return true_reachable(host, port, private=private, resolve=named)

    monkeypatch.setattr(pinned, "reachable", judge)
    https_server.answers["/a.pth"] = away
    hosts = (https_server.host, "inside.example")
    sources = WeightsSources(mirror=tmp_path, hosts=hosts, private_hosts=hosts)
    with pytest.raises(CheckpointError, match=r"inside\.example has the address 169\.254\.169\.254"):
        fetching.fetch(parse_address(https_server.url("/a.pth")), sources, should_stop=lambda: False)


def resolver_of(names: dict[str, str]) -> Resolve:
    return lambda host, _: [names[host]]


def test_a_file_that_trickles_is_given_up(
    https_server: "HttpsServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_SECONDS", -1.0)
    https_server.files["/a.pth"] = b"weights"
    own = (https_server.host,)
    with pytest.raises(CheckpointError, match="took more than"):
        fetching.fetch(
            parse_address(https_server.url("/a.pth")),
            WeightsSources(mirror=tmp_path, hosts=own, private_hosts=own),
            should_stop=lambda: False,
        )
    assert list(tmp_path.rglob("*.pth")) == []
