"""`frs backup` and `frs restore`: what a person reads, and the exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import Artifact
from tests.fixtures.submissions import Submit


@pytest.fixture
def database_url(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FRS_DATABASE_URL", sqlite_url)
    return sqlite_url


def test_a_backup_is_written_checked_and_restored_once(
    run: Callable, submit: Submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit()
    made = run("backup", tmp_path, "--data-dir", tmp_path / "data", "--json")
    assert made.code == 0
    assert "experiments: 1 rows" in made.err
    said = json.loads(made.out)
    file = Path(said["file"])
    assert (file.parent, said["database"], said["missing"]) == (tmp_path, "sqlite", [])
    checked = run("backup", "--verify", file)
    assert checked.code == 0
    assert f"{said['rows']} rows at schema {said['schema_revision']}, 0 files" in checked.out

    assert run("restore", file, "--data-dir", tmp_path / "data").code == 4  # the same database, with rows
    monkeypatch.setenv("FRS_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    first = run("restore", file, "--data-dir", tmp_path / "data")
    assert (first.code, f"{said['rows']} rows; 0 files" in first.out) == (0, True)
    assert "nothing was changed" in run("restore", file, "--data-dir", tmp_path / "data").out


def test_what_the_store_lacks_is_named_and_the_exit_code_says_so(
    run: Callable, submit: Submit, sessions: sessionmaker[Session], hand: object, tmp_path: Path
) -> None:
    job = hand.jobs(submit())[0]
    with sessions.begin() as session:
        session.add(
            Artifact(
                job_id=job.id, token=1, name="gone", media_type="text/plain", uri="file:jobs/gone",
                sha256="0" * 64, size_bytes=3,
            )
        )  # fmt: skip
    made = run("backup", tmp_path / "made.backup", "--data-dir", tmp_path / "data")
    assert made.code == 1
    assert "1 files that the store does not have" in made.err
    assert "file:jobs/gone" in made.err
    assert (tmp_path / "made.backup").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("backup", "{folder}/frs.db"), 1, "is there already"),
        (("backup", "{folder}/no/such"), 1, "there is no folder"),
        (("backup", "--verify", "{folder}/frs.db"), 1, "is not a backup"),
        (("restore", "{folder}/frs.db"), 1, "is not a backup"),
        (("restore",), 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(
    run: Callable, database_url: str, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = run(*(each.format(folder=tmp_path) for each in arguments))
    assert result.code == code
    assert said in result.err


def test_a_folder_without_a_system_is_not_backed_up_and_stays_empty(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FRS_DATABASE_URL", raising=False)
    result = run("backup", tmp_path / "made", "--data-dir", tmp_path / "nothing")
    assert (result.code, "there is no database" in result.err) == (1, True)
    assert list(tmp_path.iterdir()) == []
