"""docker-compose.yml against the Compose Specification's schema, and against what it refers to.

No engine runs it here: whether the images build and start is not tested.
"""

import json
import re
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


def test_named_volumes_are_declared(compose):
    named = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
        if re.match(r"\w", volume)
    }
    assert named == set(compose["volumes"])


def test_every_setting_it_gives_exists(compose):
    given = {
        key
        for service in compose["services"].values()
        for key in service.get("environment", {})
        if key.startswith("FRS_")
    }
    assert given
    assert given <= {f"FRS_{name.upper()}" for name in Settings.model_fields}


def test_every_module_it_starts_exists(repo_root, compose):
    commands = [service.get("command", [None]) for service in compose["services"].values()]
    modules = [command[2] for command in commands if command[:2] == ["python", "-m"]]
    assert len(modules) == 4
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
    grace = compose["services"]["worker"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > Settings.model_fields["grace_seconds"].default


def test_the_build_context_holds_all_that_the_project_needs(repo_root):
    kept = (repo_root / ".dockerignore").read_text()
    for name in ("pyproject.toml", "requirements.lock", "Makefile", "README.md", "LICENSE", "NOTICE"):
        assert f"!{name}\n" in kept
