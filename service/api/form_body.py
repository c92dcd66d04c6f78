"""Reads what a browser's form sends: application/x-www-form-urlencoded."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

from service.api.bodies import BodyError
from service.api.problems import ProblemError

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 2000


async def _form_body(request: Request) -> dict[str, list[str]]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        given = media_type[:100] or "nothing"
        raise ProblemError(
            415, "unsupported-media-type", f"Content-Type is {given}: this takes a form, as {MEDIA_TYPE}"
        )
    return read_form(await request.body())


def read_form(body: bytes) -> dict[str, list[str]]:
    """The texts by name, empty ones too, line ends as one character. Raises BodyError."""
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError as error:
        raise BodyError("the form is not UTF-8 text") from error
    except ValueError as error:
        raise BodyError(f"the form has more than {MAX_FIELDS} fields") from error
    return {name: [text.replace("\r\n", "\n") for text in texts] for name, texts in found.items()}


FormBody = Annotated[dict[str, list[str]], Depends(_form_body)]
