"""What a key may have queued, running and stored."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from service.access.caller import Caller
from service.access.roles import Role
from service.db import ledger, quotas
from service.db.models import Artifact, Checkpoint, Experiment, Job
from service.db.shares import held_back, spare_gpus
from service.db.states import JobState
from service.settings import Settings
from tests.fixtures.absent_stores import BreakStore
from tests.fixtures.callers import ClientOf, MakeCaller
from tests.fixtures.datasets import UPLOAD, ZIP, Packed
from tests.fixtures.server import MANY, Body

if TYPE_CHECKING:
    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Store
    from tests.fixtures.submissions import Submit

API = "/api/v1"
Sessions = sessionmaker[Session]


def quota(answer: Any) -> tuple[str, int, str]:
    """The limit that a refusal names, its size, and how it is used."""
    assert answer.status_code == 403, answer.text
    assert answer.json()["type"].endswith(":quota")
    [fault] = answer.json()["errors"]
    assert "raise its limit" in answer.json()["detail"]
    return fault["field"], fault["value"], fault["message"]


def own(sessions: Sessions, experiment_id: str, caller: Caller) -> None:
    """Give an experiment and its jobs to a key."""
    with sessions.begin() as session:
        for table, column in ((Experiment, Experiment.id), (Job, Job.experiment_id)):
            session.execute(update(table).where(column == experiment_id).values(owner_key_id=caller.key_id))


def test_a_key_has_so_many_jobs_queued(
    client_of: ClientOf, make_caller: MakeCaller, experiment_body: Body, job_body: Body, hand: "Hand"
) -> None:
    caller = make_caller("ada", max_queued_jobs=4)
    client = client_of(caller)
    made = client.post(f"{API}/experiments", json=experiment_body)
    assert made.status_code == 201
    experiment = made.json()["id"]
    for path, body in (
        ("experiments", experiment_body),
        (f"experiments/{experiment}/clone", {}),
        (f"experiments/{experiment}/extend", {"seeds": [5]}),
    ):
        asked = 2 if "extend" in path else 3
        refused = client.post(f"{API}/{path}", json=body)
        assert quota(refused) == ("max_queued_jobs", 4, f"limit 4, used 3, asked {asked}")
    assert len(client.get(f"{API}/jobs").json()["items"]) == 3, "a refusal left something"
    assert client.post(f"{API}/jobs", json=job_body).status_code == 201
    assert quota(client.post(f"{API}/jobs", json=job_body))[2] == "limit 4, used 4, asked 1"
    assert client_of(make_caller("eve")).post(f"{API}/jobs", json=job_body).status_code == 201
    hand.take()
    assert client.post(f"{API}/jobs", json=job_body).status_code == 201, "one that runs is queued no more"


def test_what_goes_on_counts_as_queued_again(
    client_of: ClientOf, make_caller: MakeCaller, submit: "Submit", sessions: Sessions, job_body: Body
) -> None:
    caller, experiment = make_caller("ada", max_queued_jobs=3), submit()
    own(sessions, experiment, caller)
    client = client_of(caller)
    assert client.post(f"{API}/experiments/{experiment}/pause").status_code == 200
    assert client.post(f"{API}/jobs", json=job_body).status_code == 201
    refused = client.post(f"{API}/experiments/{experiment}/resume")
    assert quota(refused) == ("max_queued_jobs", 3, "limit 3, used 1, asked 3")
    assert {job["state"] for job in client.get(f"{API}/experiments/{experiment}").json()["jobs"]} == {
        "paused"
    }


def test_an_errand_counts_too(
    client_of: ClientOf, make_caller: MakeCaller, submit: "Submit", experiment_body: Body, hand: "Hand"
) -> None:
    client = client_of(make_caller("ada", Role.OPERATOR, max_queued_jobs=0))
    assert quota(client.post(f"{API}/experiments/plan", json=experiment_body))[0] == "max_queued_jobs"
    files = {"predictions": ("p.json", b"[]")}
    path = f"{API}/experiments/{submit()}/external"
    # whoever adds to another's experiment adds to that one's account, and this one is nobody's
    assert client.post(path, data={"label": "theirs"}, files=files).status_code == 202


def test_two_at_once_do_not_both_get_the_last_place(
    client_of: ClientOf, make_caller: MakeCaller, job_body: Body
) -> None:
    client = client_of(make_caller("ada", max_queued_jobs=2))
    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(client.post, f"{API}/jobs", json=job_body) for _ in range(6)]
    assert sorted(each.result().status_code for each in tries) == [201, 201, 403, 403, 403, 403]


def test_whoever_has_stored_enough_starts_nothing_more(
    client_of: ClientOf, make_caller: MakeCaller, submit: "Submit", sessions: Sessions, hand: "Hand",
    stored_checkpoint: "Store", job_body: Body,
) -> None:  # fmt: skip
    experiment = submit()
    lease = hand.take()
    size = len(stored_checkpoint(lease).content)
    with sessions.begin() as session:
        session.execute(update(Checkpoint).values(details={"classes": ["red"]}))
    hand.finish(lease)
    caller = make_caller("ada", max_stored_bytes=size)
    own(sessions, experiment, caller)
    client = client_of(caller)
    refused = client.post(f"{API}/jobs", json=job_body)
    assert quota(refused) == ("max_stored_bytes", size, f"limit {size}, used {size}, asked 0")
    assert client.get(f"{API}/me/usage").json() | {"key_id": None} == {
        "key_id": None, "name": "ada", "role": "submitter", "queued_jobs": 2, "running_gpus": 0,
        "stored_bytes": size, "limits": {
            "max_queued_jobs": None, "max_running_gpus": None, "max_stored_bytes": size,
            "requests_per_minute": MANY,
        },
    }  # fmt: skip


def test_what_is_sent_counts_as_stored(
    client_of: ClientOf, make_caller: MakeCaller, submit: "Submit", sessions: Sessions
) -> None:
    caller, experiment = make_caller("ada", max_stored_bytes=1000), submit()
    own(sessions, experiment, caller)
    client, path = client_of(caller), f"{API}/experiments/{experiment}/external"
    many = {"predictions": ("p.json", b"[" + b" " * 2000 + b"]")}
    refused = client.post(path, data={"label": "big"}, files=many)
    assert quota(refused) == ("max_stored_bytes", 1000, "limit 1000, used 0, asked 2002")
    with sessions() as session:
        assert session.scalars(select(Artifact)).all() == []
    few = {"predictions": ("p.json", b"[]")}
    assert client.post(path, data={"label": "small"}, files=few).status_code == 202


def test_archives_of_data_sets_count_as_stored_while_they_are_kept(
    client_of: ClientOf,
    make_caller: MakeCaller,
    voc_copy: Path,
    packed: Packed,
    check_all: Callable[[], int],
    break_store: BreakStore,
) -> None:
    content = packed(voc_copy)
    size = len(content)
    client = client_of(make_caller("ada", max_stored_bytes=2 * size))

    def stored() -> int:
        found: int = client.get(f"{API}/me/usage").json()["stored_bytes"]
        return found

    assert client.post(UPLOAD, content=content, headers=ZIP).status_code == 202
    assert stored() == size
    again = packed(voc_copy, "tar.gz")  # another archive, and what is in it is there already
    assert client.post(UPLOAD, content=again, headers=ZIP).status_code == 202
    assert stored() == size + len(again)
    check_all()
    assert stored() == size
    break_store("delete")  # which what was stored for nothing asks for
    large = client.post(UPLOAD, content=b"x" * (size + 1), headers=ZIP)
    assert quota(large) == ("max_stored_bytes", 2 * size, f"limit {2 * size}, used {size}, asked {size + 1}")
    assert client.delete(f"{API}/datasets/cells").status_code == 204
    assert stored() == 0


def test_where_the_store_is_used_up_no_archive_is_received(
    client_of: ClientOf, make_caller: MakeCaller, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[Path] = []
    monkeypatch.setattr("service.api.received._new_file", received.append)
    client = client_of(make_caller("ada", max_stored_bytes=0))
    refused = client.post(UPLOAD, content=b"x", headers=ZIP)
    assert quota(refused) == ("max_stored_bytes", 0, "limit 0, used 0, asked 0")
    assert received == []
    assert not (settings.data_dir / "artifacts" / "datasets").exists()


def gpu_jobs(sessions: Sessions, owner: str | None, *gpus: int, rank: float) -> list[str]:
    """Queued jobs of a key, in this order, for so many GPUs each."""
    with sessions.begin() as session:
        jobs = [
            Job(
                kind="train", role="detector", label="x", name=f"of {owner}", seed=0, spec={}, job_key="x",
                owner_key_id=owner, state=JobState.QUEUED, gpus=num, rank=rank + place,
            )
            for place, num in enumerate(gpus)
        ]  # fmt: skip
        session.add_all(jobs)
        session.flush()
        return [job.id for job in jobs]


@pytest.fixture
def take(sessions: Sessions, worker_id: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Claims a job of any specification for a worker with 8 GPUs, `gpus` of them free; gives its id."""
    monkeypatch.setattr("service.db.claims._read", lambda job: None)
    for part, nothing in (("weights_of", {}), ("inputs_of", {}), ("archive_of", None)):
        monkeypatch.setattr(f"service.db.claims.{part}", lambda *_, nothing=nothing: nothing)

    def take(gpus: int = 8) -> str | None:
        with sessions.begin() as session:
            is_some = ledger.has_claimable(session, gpus=gpus, all_gpus=8)
            claim = ledger.claim(session, worker_id, gpus=gpus, all_gpus=8, lease_seconds=60)
            assert is_some == (claim is not None)
            return None if claim is None else claim.lease.job_id

    return take


def test_a_key_runs_on_so_many_gpus_and_others_go_past_it(
    sessions: Sessions, make_caller: MakeCaller, take: Any
) -> None:
    ada, eve = make_caller("ada", max_running_gpus=3), make_caller("eve")
    adas = gpu_jobs(sessions, ada.key_id, 2, 2, 1, 0, 1, rank=0)
    eves = gpu_jobs(sessions, eve.key_id, 4, rank=10)
    nobodys = gpu_jobs(sessions, None, 1, rank=20)
    # the first; its second would make four, so the one for one GPU; then what needs none; then the others
    assert [take() for _ in range(5)] == [adas[0], adas[2], adas[3], eves[0], nobodys[0]]
    assert take() is None
    with sessions() as session:
        assert spare_gpus(session) == {ada.key_id: 0}
        waiting = held_back(session, [session.get_one(Job, adas[1]), session.get_one(Job, adas[4])])
    why = "its key ada may use 3 GPUs at a time and uses 3: it goes on when one of that key's jobs has ended"
    assert waiting == {adas[1]: why, adas[4]: why}
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == adas[0]).values(state=JobState.SUCCEEDED))
    assert [take(), take()] == [adas[1], None]


def test_a_job_that_is_held_back_holds_back_nobody(
    sessions: Sessions, make_caller: MakeCaller, take: Any
) -> None:
    ada = make_caller("ada", max_running_gpus=1)
    gpu_jobs(sessions, ada.key_id, 8, rank=0)
    others = gpu_jobs(sessions, None, 2, 8, 1, rank=10)
    assert take(4) == others[0]
    assert take(2) is None, "one for all GPUs holds back those behind it, where it may run"


def test_the_job_says_that_its_key_may_not(
    client_of: ClientOf, make_caller: MakeCaller, sessions: Sessions
) -> None:
    ada = make_caller("ada", Role.OPERATOR, max_running_gpus=1)
    with sessions.begin() as session:
        ledger.register_worker(session, host="big", pid=1, version="0", devices={"gpus_per_job": 8})
    [job] = gpu_jobs(sessions, ada.key_id, 2, rank=0)
    detail = client_of(ada).get(f"{API}/jobs/{job}").json()
    assert detail["unmet_need"].startswith("it needs 2 GPUs, and its key ada may use 1 at a time")


def test_however_many_jobs_a_key_has_in_front_few_rows_are_read(
    sessions: Sessions, make_caller: MakeCaller, take: Any
) -> None:
    from sqlalchemy import event

    ada = make_caller("ada", max_running_gpus=1)
    gpu_jobs(sessions, ada.key_id, *[1] * 500, rank=0)
    [other] = gpu_jobs(sessions, None, 1, rank=1e6)
    assert take() is not None
    plans: list[str] = []
    with sessions.begin() as session:
        connection = session.connection()

        @event.listens_for(connection, "before_cursor_execute")
        def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
            if "jobs.rank" in statement and "LIMIT" in statement:
                explained = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN ANALYZE"
                side = cursor.connection.cursor()
                side.execute(f"{explained} {statement}", parameters)
                plans.append(" ".join(str(row) for row in side.fetchall()))

        assert ledger.has_claimable(session, gpus=8, all_gpus=8)
    assert take() == other
    assert plans
    for plan in plans:
        assert "ix_jobs_owner_queue" in plan or "rows=1" in plan, plan


def test_usage_is_told_beside_the_limits(sessions: Sessions, make_caller: MakeCaller) -> None:
    ada = make_caller("ada")
    gpu_jobs(sessions, ada.key_id, 2, 4, rank=0)
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.gpus == 4).values(state=JobState.RUNNING))
    with sessions() as session:
        assert quotas.usage(session, ada.key_id) == quotas.Usage(
            queued_jobs=1, running_gpus=4, stored_bytes=0
        )
