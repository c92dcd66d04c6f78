"""docker-compose.yml against the Compose Specification's schema, and against what it refers to.

No engine runs it here: whether the images build and start is not tested.
"""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from service.settings import Settings


@pytest.fixture(scope="module")
def compose(repo_root: Path) -> dict[str, Any]:
    return yaml.safe_load((repo_root / "docker-compose.yml").read_text())


def test_it_fits_the_schema_of_the_specification(repo_root, compose):
    schema = json.loads((repo_root / "docker" / "compose-spec.json").read_text())
    Draft201909Validator.check_schema(schema)
    faults = [
        f"{error.json_path}: {error.message}" for error in Draft201909Validator(schema).iter_errors(compose)
    ]
    assert faults == []


def test_dependencies_name_services_that_can_meet_their_condition(compose):
    services = compose["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, f"{name} waits for {needed}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], (
                    f"{name} waits for {needed}, which has no health check"
                )


def test_named_volumes_networks_and_secrets_are_declared(compose):
    named: dict[str, set[str]] = {"volumes": set(), "networks": set(), "secrets": set()}
    for service in compose["services"].values():
        volumes = (volume.split(":")[0] for volume in service.get("volumes", ()))
        named["volumes"] |= {volume for volume in volumes if re.match(r"\w", volume)}
        named["networks"] |= set(service.get("networks", ()))
        named["secrets"] |= set(service.get("secrets", ()))
    for kind, names in named.items():
        assert names == set(compose[kind])


def test_files_that_are_mounted_exist(repo_root, compose):
    mounted = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    ]
    assert len(mounted) == 6
    assert [path for path in mounted if not (repo_root / path).is_file()] == []


def test_every_setting_it_gives_exists(compose):
    given = {
        key
        for service in compose["services"].values()
        for key in service.get("environment", {})
        if key.startswith("FRS_")
    }
    given |= {name.upper() for name in compose["secrets"] if name.startswith("frs_")}
    assert "FRS_DATABASE_PASSWORD" in given
    assert given <= {f"FRS_{name.upper()}" for name in Settings.model_fields}


def test_the_folders_that_requests_may_name_are_those_that_are_mounted(compose):
    for name in ("api-1", "api-2", "keeper", "worker", "worker-gpu"):
        service = compose["services"][name]
        folders = {volume.split(":")[-2] for volume in service["volumes"] if volume.endswith(":ro")}
        assert {service["environment"]["FRS_DATASET_ROOTS"]} == folders
        assert {service["environment"]["FRS_IMPORT_ROOTS"]} == folders


def test_every_module_it_starts_exists(repo_root, compose):
    commands = [service.get("command") for service in compose["services"].values()]
    commands += [
        service["healthcheck"]["test"][1:]
        for service in compose["services"].values()
        if "healthcheck" in service
    ]
    modules = {command[2] for command in commands if command and command[:2] == ["python", "-m"]}
    assert len(modules) == 6
    for module in modules:
        path = repo_root / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_build_targets_are_stages_of_the_dockerfile(repo_root, compose):
    builds = [service["build"] for service in compose["services"].values() if "build" in service]
    assert builds
    for build in builds:
        dockerfile = (repo_root / build["dockerfile"]).read_text()
        assert re.search(rf"^FROM \S+ AS {build['target']}$", dockerfile, re.MULTILINE)


def test_a_worker_may_stop_as_slowly_as_its_settings_say(compose):
    for name in ("worker", "worker-gpu"):
        grace = compose["services"][name]["stop_grace_period"]
        assert float(grace.removesuffix("s")) > Settings.model_fields["grace_seconds"].default


def test_the_build_context_holds_all_that_the_project_needs(repo_root):
    kept = (repo_root / ".dockerignore").read_text()
    for name in ("pyproject.toml", "requirements.lock", "Makefile", "README.md", "LICENSE", "NOTICE"):
        assert f"!{name}\n" in kept


def test_only_the_proxy_is_reached_from_outside(compose):
    services, networks = compose["services"], compose["networks"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    open_networks = {name for name, network in networks.items() if not (network or {}).get("internal")}
    assert open_networks == {"outside"}
    on_outside = {name for name, service in services.items() if "outside" in service.get("networks", ())}
    assert on_outside == {"proxy", "keeper", "worker", "worker-gpu"}
    # a worker has no way to the proxy's side, nor the proxy to what holds data
    assert "front" not in services["worker"]["networks"]
    assert set(services["proxy"]["networks"]).isdisjoint({"database", "broker", "files"})


def test_no_container_can_gain_rights_write_to_its_image_or_take_the_host_with_it(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"]), name
        assert service["pids_limit"], name
        assert not {"privileged", "cap_add", "pid", "userns_mode"} & set(service), name
        assert not any("docker.sock" in volume for volume in service.get("volumes", ())), name


def test_all_that_runs_on_has_a_health_check(compose):
    jobs = {"migrations", "bucket"}
    without = {name for name, service in compose["services"].items() if "healthcheck" not in service}
    assert without == jobs
    assert {name for name, service in compose["services"].items() if service["restart"] == "no"} == jobs


def test_images_do_not_run_as_root(repo_root, compose):
    """Our own say so; of the others it is known which do not, and the rest are told."""
    dockerfile = (repo_root / "docker" / "Dockerfile").read_text()
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)$(.*?)(?=^FROM|\Z)", dockerfile, re.MULTILINE | re.DOTALL))
    not_root = ("nginxinc/nginx-unprivileged:", "prom/prometheus:", "grafana/grafana:")
    targets = {
        service["image"]: service["build"]["target"]
        for service in compose["services"].values()
        if "build" in service
    }
    for name, service in compose["services"].items():
        target = targets.get(service["image"])
        if target is not None:
            users = re.findall(r"^USER (\S+)$", stages[target], re.MULTILINE)
            assert users[-1] == "10001:10001", name
        else:
            assert service["image"].startswith(not_root) or service["user"] in ("postgres", "redis"), name


def test_the_api_believes_the_proxy_alone_about_who_asks(compose):
    proxy = compose["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    [pool] = compose["networks"]["front"]["ipam"]["config"]
    assert ip_address(proxy) in ip_network(pool["subnet"])
    assert ip_address(proxy) not in ip_network(pool["ip_range"])  # from which the others have theirs
    for name in ("api-1", "api-2"):
        assert compose["services"][name]["environment"]["FRS_TRUSTED_PROXIES"] == proxy
        assert name in compose["services"][name]["environment"]["FRS_ALLOWED_HOSTS"].split(",")


def test_no_secret_is_written_in_it(compose):
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY|CREDENTIALS", key):
                assert str(value).startswith("/run/secrets/"), f"{name}: {key}"


def test_the_store_shows_others_nothing_but_s3(compose):
    store = compose["services"]["store"]
    assert {"-ip.bind=127.0.0.1", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"} <= set(
        store["command"]
    )
    assert store["networks"] == ["files"]
    assert "-s3.config=/run/secrets/store_identities" in store["command"]


def test_the_gpu_worker_reserves_gpus_and_the_other_does_not(compose):
    [device] = compose["services"]["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert "reservations" not in compose["services"]["worker"]["deploy"]["resources"]


def test_secrets_are_made_once_and_agree(repo_root, compose, tmp_path):
    def make() -> dict[str, str]:
        subprocess.run(
            [repo_root / "docker" / "make-secrets.sh", "frs.example"],
            env={**os.environ, "FRS_SECRETS": str(tmp_path / "secrets")},
            check=True,
            timeout=60,
        )
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    made = make()
    assert set(made) == {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert make() == made
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    [identity] = json.loads(made["store_identities"])["identities"]
    credentials = configparser.ConfigParser()
    credentials.read_string(made["store_credentials"])
    assert credentials["default"]["aws_secret_access_key"] == identity["credentials"][0]["secretKey"]
    assert credentials["default"]["aws_access_key_id"] == identity["credentials"][0]["accessKey"]
    names = ("frs_database_password", "frs_metrics_token", "frs_session_secret", "grafana_password")
    passwords = [made[name] for name in names]
    assert len(set(passwords)) == 4
    assert all(re.fullmatch("[0-9a-f]{48}", each) for each in passwords)


def test_the_dockerfile_passes_its_linter(repo_root):
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("no hadolint: it comes with the extra `dev`")
    dockerfile = repo_root / "docker" / "Dockerfile"
    ended = subprocess.run(
        [hadolint, "--no-color", "--failure-threshold", "warning", dockerfile],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
