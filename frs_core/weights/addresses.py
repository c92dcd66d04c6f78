"""To which addresses of a host one may connect: looked up once, none of them in a private network."""

import ipaddress
import socket
from collections.abc import Callable, Sequence

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host as text. Raises OSError where it has none."""

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
_METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")


def look_up(host: str, port: int) -> list[str]:
    """What the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


WEIGHTS_REMEDY = (
    "weights are fetched from there only if the operator names the host in FRS_WEIGHTS_PRIVATE_HOSTS too"
)


def reachable(
    host: str, port: int, *, private: bool, resolve: Resolve = look_up, remedy: str = WEIGHTS_REMEDY
) -> list[str]:
    """The addresses of a host, all of which may be connected to: use these, and do not look it up again.

    `private` allows a network of one's own and this machine; never a cloud's metadata service.
    Raises ValueError, which ends in the `remedy`, where one of the addresses is refused, and OSError where
    there is none.
    """
    found = list(resolve(host, port))
    if not found:
        raise OSError(f"{host} has no address")
    for text in found:
        if not _is_allowed(text, private=private):
            raise ValueError(f"{host} has the address {text}, which is not on the public internet: {remedy}")
    return found


def _is_allowed(text: str, *, private: bool) -> bool:
    given = ipaddress.ip_address(text.partition("%")[0])
    return all(_is_public(ip) or (private and _is_own(ip)) for ip in (given, *_within(given)))


def _is_public(ip: _Ip) -> bool:
    is_special = (
        ip.is_multicast or ip.is_reserved or ip in _METADATA or (ip.version == 6 and ip.is_site_local)
    )
    return bool(_within(ip)) or (ip.is_global and not is_special)


def _is_own(ip: _Ip) -> bool:
    is_unused = ip.version == 4 and ip.is_reserved
    if ip in _METADATA or ip.is_link_local or ip.is_unspecified or ip.is_multicast or is_unused:
        return False
    return ip.is_private or ip.is_loopback or (ip.version == 4 and ip in _SHARED)


def _within(ip: _Ip) -> Sequence[_Ip]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, or through NAT64."""
    if ip.version == 4:
        return ()
    found: list[_Ip | None] = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in found if each is not None]
