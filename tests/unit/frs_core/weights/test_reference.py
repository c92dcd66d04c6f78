"""How weights may be named."""

import pytest

from frs_core.weights.reference import check_host, parse_address


def test_an_address_is_taken_apart() -> None:
    address = parse_address("https://Download.OpenMMLab.com/mmdetection/v2.0/a/b_coco-c2c2f8fa.pth")
    assert (address.host, str(address.path)) == (
        "download.openmmlab.com",
        "mmdetection/v2.0/a/b_coco-c2c2f8fa.pth",
    )
    assert address.sha256_prefix == "c2c2f8fa"
    other = parse_address("https://example.org:8443/model.safetensors")
    assert (other.host, other.sha256_prefix) == ("example.org:8443", None)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("http://example.org/a.pth", "https only"),
        ("file:///etc/passwd", "https only"),
        ("https://user:word@example.org/a.pth", "without user"),
        ("https://example.org/a.pth?token=1", "query"),
        ("https://example.org/a.pth#b", "fragment"),
        ("https:///a.pth", "HOST"),
        ("https://example.org/../../etc/a.pth", "may hold"),
        ("https://example.org/a/./b.pth", "may hold"),
        ("https://example.org//a.pth", "may hold"),
        ("https://example.org/%2e%2e/a.pth", "may hold"),
        ("https://example.org/.hidden.pth", "may hold"),
        ("https://example.org/a\\b.pth", "may hold"),
        ("https://example.org/a.py", "end in .pth"),
        ("https://example.org", "may hold"),
        ("https://[::1/a.pth", "Invalid IPv6"),
        ("https://example.org:99999/a.pth", "out of range"),
    ],
)
def test_what_is_no_address_for_weights_is_refused(reference: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_address(reference)


@pytest.mark.parametrize("host", ["evil.org", "example.org.evil.org", "example.org:444", "www.example.org"])
def test_only_the_very_hosts_named_are_allowed(host: str) -> None:
    check_host("example.org", ["example.org"])
    with pytest.raises(ValueError, match=r"may not be fetched from .*FRS_WEIGHTS_HOSTS"):
        check_host(host, ["example.org"])
