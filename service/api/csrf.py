"""What a browser's session changes must come from one of our own pages: they send a token along."""

from starlette.requests import Request
from starlette.types import Message, Receive

from service.access.sessions import BrowserSession
from service.api.bodies import BodyError
from service.api.form_body import MEDIA_TYPE, read_form
from service.api.problems import ProblemError

HEADER, FIELD = "X-CSRF-Token", "_csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def with_token(request: Request, session: BrowserSession) -> Receive:
    """The request's `receive`, once its token was found right: in the header, or in the field of a form.

    Raises ProblemError (403).
    """
    given, receive = request.headers.get(HEADER), request.receive
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given is None and media_type == MEDIA_TYPE:
        body = await request.body()
        given, receive = _field(body), _again(body, receive)
    if given is None or not session.accepts(given):
        raise ProblemError(
            403,
            "csrf",
            f"a browser's session needs the token of its page as the header {HEADER} or the field {FIELD}: "
            "reload the page and try again; scripts send `Authorization: Bearer frs_...` and need none",
        )
    return receive


def _field(body: bytes) -> str | None:
    try:
        return read_form(body).get(FIELD, [None])[0]
    except BodyError:
        return None  # the route itself will say what is wrong with it, to who has the token


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, and then what else comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give
