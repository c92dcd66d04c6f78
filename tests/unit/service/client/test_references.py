"""Ids, names and @latest, for experiments and jobs alike."""

from typing import Any

import httpx
import pytest

from service.client import AmbiguousReferenceError, ApiError, Client

EXPERIMENTS = [
    ("blue1234567890ab", "blood"), ("bead1234567890ab", "twin"), ("bea11234567890ab", "twin"),
    ("same1234567890ab", "one"), ("same9876543210ab", "other"),
]  # fmt: skip
JOBS = [("jade1234567890ab", "frs seed 0"), ("jam01234567890ab", "frs seed 1"), ("blue9876543210ab", "bead")]


def row(row_id: str, name: str) -> dict[str, Any]:
    common = {"id": row_id, "name": name, "state": "running", "created_at": "2026-01-02T03:04:05Z"}
    return {**common, "num_jobs": 0, "jobs": [], "kind": "train", "role": "x", "label": name, "seed": 0}


class Server:
    """Finds by the beginning of an id as the real one does, and lists by name and state."""

    def __init__(self) -> None:
        self.asked: list[httpx.URL] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        kind, _, reference = request.url.path.removeprefix("/api/v1/").partition("/")
        rows = [row(*each) for each in (EXPERIMENTS if kind == "experiments" else JOBS)]
        if not reference:
            name = request.url.params.get("name")
            wanted = [each for each in rows if name is None or each["name"].lower() == name.lower()]
            return httpx.Response(200, json={"items": wanted})
        found = [each for each in rows if len(reference) >= 4 and each["id"].startswith(reference)]
        if len(found) > 1:
            return httpx.Response(409, json={"detail": "more than one begins so"})
        return httpx.Response(200, json=found[0]) if found else httpx.Response(404, json={"detail": "none"})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server: Server) -> Client:
    return Client("http://host", transport=httpx.MockTransport(server), retry_delays=())


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("blue1234567890ab", "blue1234567890ab"),
        ("blood", "blue1234567890ab"),
        ("bead", "bead1234567890ab"),
        ("@latest", "blue1234567890ab"),
        ("@latest:running", "blue1234567890ab"),
    ],
)
def test_an_experiment_is_found(client: Client, reference: str, found: str) -> None:
    assert client.find_experiment(reference).id == found


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("jade", "jade1234567890ab"),
        ("frs seed 1", "jam01234567890ab"),
        ("@latest:failed", "jade1234567890ab"),
    ],
)
def test_a_job_is_found(client: Client, reference: str, found: str) -> None:
    assert client.find_job(reference).id == found


def test_the_state_of_the_latest_is_asked_of_the_server(client: Client, server: Server) -> None:
    client.find_job("@latest:failed")
    assert dict(server.asked[0].params) == {"limit": "1", "state": "failed"}


def test_a_name_of_several_is_refused_with_all_of_them(client: Client) -> None:
    with pytest.raises(
        AmbiguousReferenceError, match=r"bead1234567890ab .twin, running.; bea11234567890ab"
    ) as caught:
        client.find_experiment("twin")
    assert caught.value.candidates == ("bead1234567890ab", "bea11234567890ab")


def test_the_beginning_of_an_id_that_is_another_ones_name_is_refused(client: Client) -> None:
    with pytest.raises(AmbiguousReferenceError) as caught:
        client.find("bead")
    assert caught.value.candidates == ("bead1234567890ab", "blue9876543210ab")


def test_an_experiment_and_a_job_that_begin_alike_are_told_apart(client: Client) -> None:
    with pytest.raises(AmbiguousReferenceError) as caught:
        client.find("blue")
    assert caught.value.candidates == ("blue1234567890ab", "blue9876543210ab")
    assert client.find("blue9876").id == "blue9876543210ab"


def test_a_long_beginning_is_asked_for_once(client: Client, server: Server) -> None:
    assert client.find("blue1234").id == "blue1234567890ab"
    assert len(server.asked) == 1


def test_the_servers_word_on_an_ambiguous_beginning_is_passed_on(client: Client) -> None:
    with pytest.raises(ApiError, match="more than one begins so"):
        client.find("same")


def test_names_keep_their_case(client: Client) -> None:
    with pytest.raises(ApiError, match="no experiment is called BLOOD") as caught:
        client.find_experiment("BLOOD")
    assert caught.value.status == 404
