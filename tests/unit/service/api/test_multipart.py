"""Forms with files, as HTTP libraries send them."""

import httpx
import pytest

from service.api.bodies import BodyError
from service.api.multipart import Part, read_form


def sent(**form: object) -> tuple[str, bytes]:
    request = httpx.Request("POST", "http://x", **form)
    return request.headers["content-type"], request.read()


def test_fields_and_files_come_back_byte_for_byte() -> None:
    hostile = b"\r\n--not-the-boundary\r\n\0\xff\n" * 3
    kind, body = sent(
        data={"score_threshold": "0.5"},
        files=[
            ("images", ("blood \u00e9.png", hostile, "image/png")),
            ("images", ("b.jpg", b"", "image/jpeg")),
        ],
    )
    assert read_form(kind, body) == [
        Part(name="score_threshold", filename=None, content=b"0.5"),
        Part(name="images", filename="blood \u00e9.png", content=hostile),
        Part(name="images", filename="b.jpg", content=b""),
    ]


NAMED = b'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("multipart/form-data", b"", "no boundary"),
        ("multipart/form-data; boundary=b", b"", "cut off"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + NAMED + b"\r\n\r\nx", "cut off"),
        ("multipart/form-data; boundary=b", b"--c\r\n\r\n\r\n--c--\r\n", "cut off"),
        ("multipart/form-data; boundary=b", b"--b\r\nX: y\r\n\r\nx\r\n--b--\r\n", "without a name"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + NAMED + b"\r\n--b--", "without a name"),
    ],
)
def test_what_is_no_form_is_refused_in_words(kind: str, body: bytes, word: str) -> None:
    with pytest.raises(BodyError) as error:
        read_form(kind, body)
    assert word in str(error.value.detail)
