"""Reads multipart/form-data (RFC 7578): forms with files, as browsers and curl send them."""

from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from service.api.bodies import BodyError

MEDIA_TYPE = "multipart/form-data"
MAX_PARTS = 1000
MAX_HEAD_BYTES = 8192


@dataclass(frozen=True, kw_only=True)
class Part:
    """One field; a file where `filename` is given, which is whatever the client says."""

    name: str
    filename: str | None
    content: bytes

    @property
    def text(self) -> str:
        """The content of a field that is no file. Raises BodyError."""
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise BodyError(f"the field {self.name[:100]!r} is not UTF-8 text") from error


def read_form(content_type: str, body: bytes) -> list[Part]:
    """The fields in order. Raises BodyError."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if not boundary or len(boundary) > 70:
        raise BodyError("the form's Content-Type names no boundary; let the HTTP library make the form")
    # RFC 2046: a delimiter is a line of its own, and the first line may be one.
    delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
    # counted before it is taken apart: a body of nothing but delimiters would become millions of pieces
    if body.count(delimiter) > MAX_PARTS + 1:
        raise BodyError(f"the form has more than {MAX_PARTS} fields")
    preamble, *pieces = (b"\r\n" + body).split(delimiter)
    if preamble.strip() or not pieces or not pieces[-1].startswith(b"--"):
        raise BodyError("the form is cut off, or its boundary is not the one that Content-Type names")
    if len(pieces) - 1 > MAX_PARTS:
        raise BodyError(f"the form has more than {MAX_PARTS} fields")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    head, separator, content = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if len(head) > MAX_HEAD_BYTES:
        raise BodyError(f"a part of the form has more than {MAX_HEAD_BYTES} bytes of headers")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
    name = headers.get_param("name", header="content-disposition")
    if not separator or headers.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise BodyError("the form has a part without a name; let the HTTP library make the form")
    return Part(name=name, filename=headers.get_filename(), content=content)
