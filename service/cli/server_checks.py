"""What `frs doctor` asks of a server: does it answer, take the key, fit this command, and have workers?"""

from collections.abc import Iterator
from importlib.metadata import version

from service.cli.session import Session
from service.client import ApiError, Client, ClientError, SettingsError, UnreachableError, Worker
from service.operate.checks import Finding, Level

_WORKING = {"ok", "polling"}


def server_findings(session: Session) -> Iterator[Finding]:
    """One finding after the other; those that need an answer are left out where there is none."""
    try:
        yield Finding(name="settings", level=Level.OK, message=f"{session.url} (from {session.source})")
    except SettingsError as error:
        yield Finding(name="settings", level=Level.FAIL, message=str(error), remedy="see frs config --help")
        return
    with session.connect() as client:
        server = _server(client, session)
        yield server
        if server.level is Level.WARN:
            return
        yield from (_key(client, session), _version(client), _workers(client))


def _server(client: Client, session: Session) -> Finding:
    try:
        checks = client.ready().checks
    except UnreachableError as error:
        remedy = f"start one with `frs up`, or set FRS_URL (this address is from {session.source})"
        return Finding(name="server", level=Level.WARN, message=str(error), remedy=remedy)
    except ApiError as error:
        if error.status == 404:
            return _behind_proxy(client, session)
        checked = error.problem.get("checks") or {}
        wrong = [f"{name}: {result}" for name, result in checked.items() if result not in _WORKING]
        message = "; ".join(wrong) or str(error)
        return Finding(name="server", level=Level.FAIL, message=message, remedy="mend it, or see its log")
    polling = (
        "; without a broker, its workers look for jobs by themselves" if "polling" in checks.values() else ""
    )
    parts = f" ({', '.join(checks)})" if checks else ""
    return Finding(name="server", level=Level.OK, message=f"{session.url} is ready{parts}{polling}")


def _behind_proxy(client: Client, session: Session) -> Finding:
    """A deployment's proxy tells nobody outside whether its servers are ready."""
    try:
        client.alive()
    except ClientError as error:
        message, remedy = f"{session.url} is no server of FRS: {error}", "set FRS_URL to the server's address"
        return Finding(name="server", level=Level.FAIL, message=message, remedy=remedy)
    message = f"{session.url} answers; whether it is ready is told on its own machine alone"
    return Finding(name="server", level=Level.OK, message=message)


def _key(client: Client, session: Session) -> Finding:
    key = session.settings.api_key
    given = "no key" if key.value is None else f"the key from {key.source}"
    try:
        me = client.me()
    except ApiError as error:
        if error.status in (401, 403):
            remedy = "set FRS_API_KEY, or api_key_file in frs.toml, to a key that an admin of the server made"
            message = f"{given} is not accepted: {error}"
            return Finding(name="key", level=Level.FAIL, message=message, remedy=remedy)
        return _unknown("key", error)
    except ClientError as error:
        return _unknown("key", error)
    return Finding(name="key", level=Level.OK, message=f"{given} is accepted: you are {me.name} ({me.role})")


def _version(client: Client) -> Finding:
    ours = version("frs-distill")
    try:
        theirs = client.server_version()
    except ClientError as error:
        return _unknown("version", error)
    if theirs == ours:
        return Finding(name="version", level=Level.OK, message=f"{ours}, as the server's")
    remedy = f"install the server's version of this command: pip install frs-distill=={theirs}"
    message = f"this command is {ours}, the server {theirs}"
    return Finding(name="version", level=Level.WARN, message=message, remedy=remedy)


def _workers(client: Client) -> Finding:
    try:
        online = [worker for worker in client.workers() if worker.state == "online"]
    except ClientError as error:
        return _unknown("workers", error)
    taking = [worker for worker in online if worker.desired_state != "drain"]
    if not taking:
        why = "none is online" if not online else "all are drained"
        remedy = (
            "start one: frs up, or python -m workers on another host"
            if not online
            else "frs worker undrain ID"
        )
        return Finding(name="workers", level=Level.WARN, message=f"{why}: nothing is trained", remedy=remedy)
    return _versions_of(taking)


def _versions_of(workers: list[Worker]) -> Finding:
    versions = sorted({worker.version for worker in workers})
    hosts = ", ".join(sorted({worker.host for worker in workers}))
    message = f"{len(workers)} online on {hosts}"
    if len(versions) == 1:
        return Finding(name="workers", level=Level.OK, message=f"{message}, version {versions[0]}")
    remedy = "give all hosts one version: what one began another may have to resume"
    message = f"{message}, of versions {', '.join(versions)}"
    return Finding(name="workers", level=Level.WARN, message=message, remedy=remedy)


def _unknown(name: str, error: Exception) -> Finding:
    return Finding(
        name=name, level=Level.WARN, message=f"cannot be told: {error}", remedy="is this a server of FRS?"
    )
