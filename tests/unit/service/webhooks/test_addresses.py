"""Where webhooks may lead."""

from collections.abc import Sequence

import pytest

from service.webhooks.addresses import check_address, is_private


def resolved(*addresses: str):  # type: ignore[no-untyped-def]
    def resolve(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("unknown")
        return addresses

    return resolve


def test_https_on_the_public_internet_is_accepted() -> None:
    assert (
        check_address("https://hooks.example/a?b=c", (), resolve=resolved("93.184.215.14")) == "hooks.example"
    )
    assert check_address("https://hooks.example:8443/", (), resolve=resolved()) == "hooks.example:8443"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.169.254", "100.100.100.200", "fe80::1",
     "::1", "fd00::5", "::ffff:169.254.169.254", "0.0.0.0"],
)  # fmt: skip
def test_a_name_with_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="FRS_WEBHOOK_PRIVATE_HOSTS"):
        check_address("https://hooks.example/", (), resolve=resolved("93.184.215.14", address))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://[::1]/",
        "https://localhost/", "https://LOCALHOST/", "https://[::ffff:127.0.0.1]/", "https://0/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)  # fmt: skip
def test_no_spelling_of_this_machine_or_of_a_metadata_service_gets_past(url: str) -> None:
    with pytest.raises(ValueError, match="not on the public internet"):
        check_address(url, ())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example/", "give https"),
        ("ftp://hooks.example/", "give https"),
        ("file:///etc/passwd", "HOST"),
        ("hooks.example", "HOST"),
        ("https://", "HOST"),
        ("https:///path", "HOST"),
        ("https://user:secret@hooks.example/", "user or password"),
        ("https://good.example@bad.example/", "user or password"),
        ("https://hooks.example/#part", "#"),
        ("https://hooks.example:99999/", "ort"),
        ("https://hooks.example/\r\nX: y", "plain characters"),
        ("https://hooks.exаmple/", "plain characters"),
        ("https://hooks.example\\@127.0.0.1/", "plain characters"),
        ("https://hooks.example/" + "a" * 2000, "at most 2000"),
    ],
)  # fmt: skip
def test_what_is_no_plain_https_address_is_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_address(url, (), resolve=resolved("93.184.215.14"))


def test_hosts_that_the_operator_names_may_be_private_and_without_tls() -> None:
    for allowed in ("10.1.2.3:8080", "10.1.2.3"):
        assert check_address("http://10.1.2.3:8080/", {allowed}) == "10.1.2.3:8080"
    with pytest.raises(ValueError, match="give https"):
        check_address("http://10.1.2.3:9090/", {"10.1.2.3:8080"})
    with pytest.raises(ValueError, match=r"169\.254"):  # never, whoever names it
        check_address("http://169.254.169.254/", {"169.254.169.254"})
    assert not is_private("https://not-10.1.2.3/", {"10.1.2.3"})
