"""One attempt, seen through by a real supervisor with a real child process and a real database."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.event_file import FILE_NAME
from service.artifacts import ArtifactStore
from service.db.models import Artifact, Checkpoint, Job, JobDependency
from service.db.states import AttemptState, JobState
from service.settings import Settings
from tests.fixtures.witnesses import Witness
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from tests.miniature.optimisation import quiet_run
from workers.supervisor import supervise
from workers.workplace import Workplace

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test is about both: an attempt costs a second, and the ledger has tests of its own."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_everything_a_run_reports_is_recorded_and_stored(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    job_id = submit_miniature(steps=23)
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    assert witness.losses() == quiet_run(23).losses
    assert [line for line in witness.printed(job_id).splitlines() if line.startswith("step ")] == [
        f"step {step}" for step in range(1, 24)
    ]
    assert witness.final_weights(job_id) == quiet_run(23).weights
    with sessions() as session:
        states = session.scalars(select(Checkpoint.step).where(Checkpoint.kind == "state")).all()
        artifact = session.scalars(select(Artifact).where(Artifact.name != FILE_NAME)).one()
    assert sorted(states) == [15, 20]
    assert store.size(artifact.uri) == artifact.size_bytes
    attempt = witness.attempts(job_id)[0]
    assert (attempt.state, attempt.exit_code) == (AttemptState.SUCCEEDED, 0)
    assert attempt.environment is not None
    assert attempt.environment["resumed"] == 0


def test_nothing_is_left_on_the_workers_disk_but_what_is_recorded(
    workplace: Workplace,
    quick_settings: Settings,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    submit_miniature(steps=23)
    supervise(workplace, claim_next())
    assert list(quick_settings.work_dir.iterdir()) == []
    stored = [path.name for path in (quick_settings.data_dir / "artifacts").rglob("*") if path.is_file()]
    with sessions() as session:
        rows = [*session.scalars(select(Checkpoint)), *session.scalars(select(Artifact))]
    assert [sum(row.uri.endswith(suffix) for row in rows) for suffix in (".pth", ".safetensors")] == [2, 1]
    assert len(rows) == 5  # the curves among them
    assert sorted(stored) == sorted(row.uri.rpartition("/")[2] for row in rows)


def test_a_child_gets_no_addresses_and_no_credentials(
    workplace: Workplace,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = {
        "FRS_DATABASE_URL": "s",
        "FRS_BROKER_URL": "s",
        "PGPASSWORD": "s",
        "AWS_SECRET_ACCESS_KEY": "s",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    job_id = submit_miniature()
    supervise(replace(workplace, num_threads=3), claim_next())
    line = next(text for text in witness.printed(job_id).splitlines() if text.startswith("environment "))
    environment = json.loads(line.removeprefix("environment "))
    assert not secrets & environment.keys()
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""


def test_a_student_is_given_its_teachers_weights(
    workplace: Workplace,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> None:
    teacher_id = submit_miniature(steps=3)
    supervise(workplace, claim_next())
    student_id = submit_miniature(steps=2)
    with sessions.begin() as session:
        student = session.get_one(Job, student_id)
        detector = student.spec["detector"]
        student.spec = {
            **student.spec,
            "kind": "distill",
            "method": {"name": "frs"},
            "teacher": {"detector": detector},
        }
        session.add(JobDependency(job_id=student_id, depends_on_id=teacher_id, role="teacher"))
    assert supervise(workplace, claim_next()) is JobState.SUCCEEDED
    teacher = quiet_run(3).weights
    assert witness.final_weights(student_id) == quiet_run(2, teacher=teacher).weights


def test_a_child_is_told_where_weights_may_come_from(
    workplace: Workplace,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    tmp_path: Path,
) -> None:
    chosen = {
        "weights_mirror": tmp_path / "mirror",
        "weights_hosts": ("a.example", "b.example:8443"),
        "weights_private_hosts": ("a.example",),
    }
    job_id = submit_miniature()
    supervise(replace(workplace, settings=workplace.settings.model_copy(update=chosen)), claim_next())
    line = next(text for text in witness.printed(job_id).splitlines() if text.startswith("arguments "))
    arguments = json.loads(line.removeprefix("arguments "))
    assert arguments[arguments.index("--weights-mirror") + 1] == str(tmp_path / "mirror")
    assert [text for text in arguments if text.startswith("--weights-host")] == [
        "--weights-host=a.example",
        "--weights-host=b.example:8443",
    ]
    assert "--weights-private-host=a.example" in arguments
