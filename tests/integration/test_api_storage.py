"""Retention, garbage and usage as the API and the page tell them."""

import os
from typing import TYPE_CHECKING, Any

import pytest

from frs_core.events import CheckpointKind
from service.artifacts import ArtifactError, local
from service.db.types import new_id
from service.settings import Settings

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Store
    from tests.fixtures.submissions import Submit

API = "/api/v1"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def experiment(submit: "Submit", hand: "Hand", stored_checkpoint: "Store") -> str:
    """One whose teacher has ended with a state and stored weights."""
    found = submit(methods=["none"])
    lease = hand.take()
    stored_checkpoint(lease)
    hand.save(lease, CheckpointKind.STATE, 5, uri=f"file:jobs/{lease.job_id}/1/state")
    hand.finish(lease)
    return found


def test_an_experiment_keeps_everything_until_it_is_told_otherwise(
    api: "TestClient", experiment: str
) -> None:
    path = f"{API}/experiments/{experiment[:8]}/retention"
    assert api.get(path).json() == {"experiment_id": experiment, "policy": None}
    kept = {"best": True, "last": True, "every_epochs": 3, "every_steps": None, "days": None}
    assert api.put(path, json={"every_epochs": 3}).json()["policy"] == kept
    assert api.put(path, json={"best": False, "days": 1.5}).json()["policy"]["every_epochs"] is None
    assert api.get(path).json()["policy"] == {**kept, "best": False, "every_epochs": None, "days": 1.5}
    assert api.delete(path).status_code == 204
    assert api.get(path).json()["policy"] is None


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"best": False, "last": False}, "at least one"),
        ({"every_epochs": 0}, "greater than or equal to 1"),
        ({"days": -1}, "greater than 0"),
        ({"days": 1e9}, "less than"),
        ({"bests": True}, "unknown key"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    api: "TestClient", experiment: str, policy: dict[str, Any], reason: str
) -> None:
    answer = api.put(f"{API}/experiments/{experiment}/retention", json=policy)
    assert (answer.status_code, reason in answer.json()["detail"]) == (422, True), answer.json()["detail"]


def test_garbage_is_shown_then_deleted_by_the_name_of_its_plan(api: "TestClient", experiment: str) -> None:
    api.put(f"{API}/experiments/{experiment}/retention", json={})
    plan = api.post(f"{API}/gc").json()
    [item] = plan["items"]
    assert (item["what"], item["step"], item["experiment_id"]) == ("state", 5, experiment)
    assert item["reason"] == "its experiment keeps only: best, last"
    assert (plan["deleted"], plan["num_items"], plan["freed_bytes"]) == (False, 1, 3)
    assert api.post(f"{API}/gc", params={"dry_run": "false"}).json()["errors"][0]["field"] == "plan"
    other = api.post(f"{API}/gc", params={"dry_run": "false", "plan": "0" * 16})
    assert (other.status_code, plan["plan"] in other.json()["detail"]) == (409, True)
    done = api.post(f"{API}/gc", params={"dry_run": "false", "plan": plan["plan"]}).json()
    assert (done["deleted"], done["num_items"]) == (True, 1)
    again = api.post(f"{API}/gc", params={"dry_run": "false", "plan": plan["plan"]})
    assert again.status_code == 409, "that plan is done"
    assert api.post(f"{API}/gc").json()["items"] == []


def test_the_audit_trail_names_the_files_that_went(
    api: "TestClient", experiment: str, settings: Settings
) -> None:
    orphan = settings.data_dir / "artifacts" / "jobs" / new_id() / "1" / "nobody-names-it"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"left")
    os.utime(orphan, (0, 0))
    for _ in range(2):  # the orphan, then a checkpoint
        plan = api.post(f"{API}/gc").json()
        done = api.post(f"{API}/gc", params={"dry_run": "false", "plan": plan["plan"]}).json()
        entry = api.get(f"{API}/audit", params={"action": "collect_garbage"}).json()["items"][0]
        assert entry["before"] == {
            "plan": plan["plan"],
            "num_files": 1,
            "freed_bytes": done["freed_bytes"],
            "files": [done["items"][0]["uri"]],
        }
        api.put(f"{API}/experiments/{experiment}/retention", json={})


def test_another_sites_page_deletes_nothing(api: "TestClient") -> None:
    answer = api.post(f"{API}/gc", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_a_store_that_is_away_is_said_so(
    api: "TestClient", experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise ArtifactError("away")

    monkeypatch.setattr(local.Store, "written_before", away)
    assert api.post(f"{API}/gc").status_code == 503
    assert "cannot be looked at now" in api.get("/storage").text


def test_usage_counts_each_file_once(
    api: "TestClient", experiment: str, hand: "Hand", stored_artifact: "Store", settings: Settings
) -> None:
    stored = stored_artifact(hand.take())
    size = stored.path.stat().st_size
    usage = api.get(f"{API}/usage").json()
    kinds = {item["name"]: (item["num_files"], item["size_bytes"]) for item in usage["by_kind"]}
    weights = kinds["weights"][1]
    assert kinds == {"weights": (1, weights), "state": (1, 3), "artifact": (1, size)}
    assert (usage["num_files"], usage["size_bytes"]) == (3, weights + 3 + size)
    [own] = usage["by_experiment"]
    assert (own["id"], own["size_bytes"]) == (experiment, weights + 3 + size)
    assert usage["store"] == "file"
    assert 0 < usage["disk"]["free_bytes"] < usage["disk"]["total_bytes"]
    assert usage["spare_bytes"] == 0
    api.put(f"{API}/experiments/{experiment}/retention", json={})
    assert api.get(f"{API}/usage").json()["spare_bytes"] == 3


def test_the_page_shows_it_and_names_the_plan(api: "TestClient", experiment: str) -> None:
    assert "frs retention EXPERIMENT" in api.get("/storage").text
    api.put(f"{API}/experiments/{experiment}/retention", json={})
    page = api.get("/storage").text
    assert f'data-share="{experiment}"' in page
    assert f"frs gc --plan {api.post(f'{API}/gc').json()['plan']}" in page


def test_an_empty_server_has_an_empty_page(api: "TestClient") -> None:
    assert "Nothing is stored yet" in api.get("/storage").text
