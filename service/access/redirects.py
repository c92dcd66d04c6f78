"""Where a browser is sent after the login: to a place of this server only."""

from urllib.parse import quote, urlsplit

HOME, LOGIN = "/", "/login"


def local_address(wanted: str) -> str:
    """The address, if it is a path on this server; else the first page.

    Browsers read a backslash as a slash and drop control characters, so neither may be in it.

    >>> local_address("/jobs/ab?after=1"), local_address("//evil.example"), local_address("/\\\\evil.example")
    ('/jobs/ab?after=1', '/', '/')
    """
    if not wanted.startswith("/") or "\\" in wanted or not wanted.isprintable():
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    is_local = not parts.scheme and not parts.netloc and not wanted.startswith("//")
    return wanted if is_local and not parts.path.startswith(LOGIN) else HOME


def login_address(wanted: str) -> str:
    """The login page, which then leads on to `wanted`."""
    found = local_address(wanted)
    return LOGIN if found == HOME else f"{LOGIN}?next={quote(found, safe='')}"
