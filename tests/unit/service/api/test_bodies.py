import pytest

from service.api.bodies import BodyError, read_json


def test_plain_json_is_read() -> None:
    assert read_json(b'{"a": [1, {"b": null}], "c": {"b": 2}}') == {"a": [1, {"b": None}], "c": {"b": 2}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"name":', "not JSON .* at character 8"),
        (b'{"name": "a\x00"}', "not JSON .*control character"),
        (b'{"name": "\xff"}', "not UTF-8 text"),
        (b'{"a": {"epochs": 50, "epochs": 5}}', "the key 'epochs' is given twice"),
        (b"[" * 200_000, "nested too deeply"),
        (b"9" * 6000, "a number of thousands of digits"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(body: bytes, reason: str) -> None:
    with pytest.raises(BodyError, match=reason):
        read_json(body)
