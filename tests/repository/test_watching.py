"""Dashboard, alerts and guide name what is on the list of metrics, and the configurations are accepted.

`promtool` comes with Debian's package `prometheus`; without it, what it judges is skipped.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.telemetry.families import FAMILIES, Kind, table

OTHERS = {"up", "process_resident_memory_bytes"}
NAME = re.compile(r"\b(frs_\w+|process_\w+|up)\b(?=[{\s\[)]|$)")


def series() -> set[str]:
    """The names under which the metrics are stored."""
    names = set(OTHERS)
    for family in FAMILIES:
        if family.kind is Kind.HISTOGRAM:
            names |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
        else:
            names.add(family.name)
    return names


def queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


def names_in(expressions: list[str]) -> set[str]:
    return {name for each in expressions for name in NAME.findall(each)}


@pytest.fixture(scope="module")
def dashboard(repo_root: Path) -> dict[str, Any]:
    return json.loads((repo_root / "docker" / "grafana" / "frs.json").read_text())


@pytest.fixture(scope="module")
def alerts(repo_root: Path) -> list[dict[str, Any]]:
    [group] = yaml.safe_load((repo_root / "docker" / "alerts.yml").read_text())["groups"]
    return group["rules"]


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"no {name} here: install Debian's package prometheus")
    return found


def test_the_dashboard_asks_for_metrics_that_there_are_and_for_all_of_ours(dashboard):
    asked = names_in(queries(dashboard))
    assert asked <= series()
    shown = {family.name for family in FAMILIES if any(name.startswith(family.name) for name in asked)}
    assert shown == {family.name for family in FAMILIES}


def test_alerts_ask_for_metrics_that_there_are_and_say_what_to_do(alerts):
    asked = names_in([alert["expr"] for alert in alerts])
    assert len(asked) > 10
    assert asked <= series()
    for alert in alerts:
        assert set(alert["annotations"]) == {"summary", "remedy"}
        assert alert["labels"]["severity"] in ("warning", "critical")


def test_labels_in_queries_are_labels_of_their_metrics(dashboard, alerts):
    labels = {family.name: {*family.labels, "instance", "job", "le"} for family in FAMILIES}
    for query in [*queries(dashboard), *(alert["expr"] for alert in alerts)]:
        for name, chosen in re.findall(r"(frs_\w+)\{([^}]*)\}", query):
            known = labels[re.sub(r"_(bucket|count|sum)$", "", name)]
            assert set(re.findall(r"(\w+)\s*[=!]", chosen)) <= known, query


def test_panels_have_their_places_and_queries_legends(dashboard):
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "prometheus"
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_the_data_source_and_the_folder_of_dashboards_are_those_that_are_mounted(repo_root, dashboard):
    folder = repo_root / "docker" / "grafana"
    [source] = yaml.safe_load((folder / "datasource.yml").read_text())["datasources"]
    [provider] = yaml.safe_load((folder / "dashboards.yml").read_text())["providers"]
    compose = yaml.safe_load((repo_root / "docker-compose.yml").read_text())["services"]
    assert source["uid"] == "prometheus"
    assert source["url"] == "http://prometheus:9090"
    targets = [volume.split(":")[1] for volume in compose["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/frs.json" in targets


def test_prometheus_accepts_its_configuration_and_finds_who_to_ask(repo_root, tmp_path):
    promtool = program("promtool")
    text = (repo_root / "docker" / "prometheus.yml").read_text()
    (tmp_path / "token").write_text("x")
    local = text.replace("/etc/prometheus/", f"{repo_root / 'docker'}/").replace(
        "/run/secrets/frs_metrics_token", str(tmp_path / "token")
    )
    (tmp_path / "prometheus.yml").write_text(local)
    ended = subprocess.run(
        [promtool, "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "14 rules found" in ended.stdout
    compose = yaml.safe_load((repo_root / "docker-compose.yml").read_text())["services"]
    asked = yaml.safe_load(text)["scrape_configs"][0]["static_configs"][0]["targets"]
    assert {target.split(":")[0] for target in asked} == {name for name in compose if name.startswith("api-")}


WRONG = [
    ("DatabaseDown", {'frs_database_up{instance="a"}': "0x60", 'frs_database_up{instance="b"}': "0x60"}),
    ("KeeperStopped", {'frs_chore_last_success_timestamp_seconds{chore="reap"}': "0x60"}),
    ("NoWorkers", {'frs_workers{state="online"}': "0x60", 'frs_jobs{kind="train",state="queued"}': "2x60"}),
    (
        "QueueStuck",
        {'frs_jobs_oldest_seconds{kind="train",state="queued"}': "4000x60", "frs_claims_recent": "0x60"},
    ),
    ("LeasesLost", {'frs_attempt_endings_recent{outcome="lost",reason="lease_lost"}': "3x60"}),
    ("StoreFails", {'frs_attempt_endings_recent{outcome="failed",reason="storage_failed"}': "1x60"}),
    ("StoreFails", {'frs_store_errors_total{operation="put"}': "0+1x60"}),
    ("WorkerLost", {'frs_workers{state="lost"}': "0x20 1x20"}),
    ("RelayLags", {"frs_relay_lag_seconds": "31x60"}),
    ("WebhooksLag", {"frs_webhook_lag_seconds": "301x60"}),
    ("MirrorFails", {"frs_mlflow_runs_failing": "1x60"}),
    ("LeasesNotReaped", {"frs_leases_expired": "1x60"}),
    ("ApiFails", {'frs_http_request_seconds_count{status="5xx"}': "0+10x60"}),
    ("ApiDown", {'up{job="frs",instance="api-1:8000"}': "0x60"}),
]
RIGHT = {
    'frs_database_up{instance="a"}': "1x60",
    'frs_database_up{instance="b"}': "0x60",  # the other process reaches it
    'frs_workers{state="online"}': "1x60",
    'frs_workers{state="lost"}': "5x60",  # as before
    'frs_jobs_oldest_seconds{kind="train",state="queued"}': "4000x60",
    "frs_claims_recent": "1x60",
    'frs_attempt_endings_recent{outcome="lost",reason="worker_died"}': "1x60",
    'frs_http_request_seconds_count{status="2xx"}': "0+100x60",
    "frs_leases_expired": "0x60",
    "frs_relay_lag_seconds": "1x60",
    "frs_webhook_lag_seconds": "30x60",
    "frs_mlflow_runs_failing": "0x60",
    'up{job="frs",instance="api-1:8000"}': "1x60",
}


def test_alerts_fire_for_what_is_wrong_and_are_quiet_for_what_is_not(repo_root, alerts, tmp_path):
    promtool = program("promtool")

    def case(series: dict[str, str], alert: str, *, fires: bool) -> dict[str, Any]:
        inputs = [{"series": name, "values": values} for name, values in series.items()]
        count = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
        samples = [{"value": 1}] if fires else []
        return {
            "interval": "1m",
            "input_series": inputs,
            "promql_expr_test": [{"expr": count, "eval_time": "25m", "exp_samples": samples}],
        }

    assert {name for name, _ in WRONG} | {"ApiSlow"} == {alert["alert"] for alert in alerts}
    cases = [case(series, name, fires=True) for name, series in WRONG]
    cases += [case(RIGHT, alert["alert"], fires=False) for alert in alerts]
    document = {"rule_files": [str(repo_root / "docker" / "alerts.yml")], "tests": cases}
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(document))
    ended = subprocess.run(
        [promtool, "test", "rules", tmp_path / "cases.yml"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_proxy_names_each_api_process(repo_root):
    text = (repo_root / "docker" / "nginx.conf").read_text()
    compose = yaml.safe_load((repo_root / "docker-compose.yml").read_text())["services"]
    assert set(re.findall(r"server (\S+):8000", text)) == {
        name for name in compose if name.startswith("api-")
    }


def test_the_guide_has_the_table_of_metrics_as_it_is(repo_root):
    guide = (repo_root / "docs" / "operate.md").read_text()
    assert table() in guide, "docs/operate.md: put in what `python -m service.telemetry.families` prints"
