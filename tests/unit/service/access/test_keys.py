import hmac

import pytest

from service.access import keys
from service.access.keys import hash_secret, new_key, parse_key


def test_a_key_is_read_back_and_holds_128_bits_of_secret() -> None:
    key = new_key("0123456789abcdef")
    assert parse_key(str(key)) == key
    assert len(key.secret) == 22  # 16 bytes, six bits a character
    assert new_key("0123456789abcdef").secret != key.secret
    assert key.matches(hash_secret(key.secret))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "frs_",
        "frs_0123456789abcdef",
        "frs_0123456789abcdef_" + "A" * 21,
        "frs_0123456789abcdef_" + "A" * 23,
        "frs_0123456789abcdei_" + "A" * 22,  # no i in an id
        "FRS_0123456789abcdef_" + "A" * 22,
        "frs_0123456789abcdef_" + "A" * 21 + "é",
        "frs_0123456789abcdef_" + "A" * 22 + "\n",
        " frs_0123456789abcdef_" + "A" * 22,
        "frs_0123456789abcde\u0661_" + "A" * 22,
    ],
)
def test_what_is_no_key_is_not_taken_for_one(text: str) -> None:
    assert parse_key(text) is None


def test_a_secret_is_not_printed_with_its_key() -> None:
    key = new_key("0123456789abcdef")
    assert key.secret not in repr(key)


def test_secrets_are_compared_in_constant_time_also_with_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    really = hmac.compare_digest

    def compare(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return really(one, other)

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)
    key = new_key("0123456789abcdef")
    assert key.matches(hash_secret(key.secret))
    assert not key.matches(hash_secret("another"))
    assert not key.matches(None)
    assert compared == [(64, 64)] * 3
