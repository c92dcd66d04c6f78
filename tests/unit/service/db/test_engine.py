import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from service.db.engine import SchemaMismatchError, check_schema, create_engine, session_factory
from service.db.models import Experiment, Job
from service.db.states import JobState


def _experiment(name: str) -> Experiment:
    return Experiment(name=name, spec={})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://ann@db:5433/frs", "postgresql+psycopg://ann@db:5433/frs"),
        ("postgresql+psycopg://ann@db/frs", "postgresql+psycopg://ann@db/frs"),
        ("postgresql+psycopg2://ann@db/frs", "postgresql+psycopg://ann@db/frs"),
    ],
)
def test_postgresql_is_always_spoken_to_through_psycopg_3(url: str, expected: str) -> None:
    assert create_engine(url).url.render_as_string() == expected


def test_another_database_is_refused_without_its_password() -> None:
    with pytest.raises(
        ValueError, match=r"mysql://ann:\*\*\*@db/frs.*sqlite:///FILE or postgresql"
    ) as caught:
        create_engine("mysql://ann:secret@db/frs")
    assert "secret" not in str(caught.value)


def test_sqlite_makes_its_folder_and_keeps_its_promises(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'new' / 'folder' / 'frs.db'}")
    pragmas = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas}
    engine.dispose()
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 30000}


def test_the_schema_is_checked_while_another_process_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.db.engine.BUSY_SECONDS", 0)
    engine = create_engine(f"sqlite:///{tmp_path / 'frs.db'}")
    with engine.begin(), pytest.raises(SchemaMismatchError, match="python -m migrations"):
        check_schema(engine)
    engine.dispose()


def test_a_reference_to_nothing_fails_the_whole_transaction(sessions: sessionmaker[Session]) -> None:
    job = Job(
        experiment_id="0" * 16, kind="train", role="teacher", label="", name="", seed=0, spec={}, job_key="",
        state=JobState.WAITING,
    )  # fmt: skip
    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.add_all([_experiment("lost"), job])
    with sessions() as session:
        assert session.scalars(select(Experiment)).all() == []


def test_rows_stay_readable_after_the_commit(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        experiment = _experiment("kept")
        session.add(experiment)
    assert (experiment.name, len(experiment.id)) == ("kept", 16)


def test_a_read_that_is_acted_on_is_never_outdated(sqlite_url: str) -> None:
    """Without a lock from the start SQLite would refuse the second write, or lose the first."""
    engine = create_engine(sqlite_url)
    factory = session_factory(engine)
    with factory.begin() as session:
        session.add(_experiment(""))

    def append(letter: str) -> None:
        for _ in range(10):
            with factory.begin() as session:
                experiment = session.scalars(select(Experiment)).one()
                experiment.name += letter

    threads = [threading.Thread(target=append, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with factory() as session:
        name = session.scalars(select(Experiment.name)).one()
    engine.dispose()
    assert sorted(name) == sorted("abcd" * 10)


def test_readers_wait_for_no_writer_and_cannot_write(database_url: str) -> None:
    engine = create_engine(database_url)
    reading = session_factory(engine, read_only=True)
    with session_factory(engine).begin() as writer:
        writer.add(_experiment("not yet"))
        writer.flush()
        with reading() as session:
            assert session.scalars(select(Experiment)).all() == []
    with reading() as session, pytest.raises(DBAPIError, match=r"read-?only"):
        session.execute(text("DELETE FROM experiments"))
    with reading() as session:
        assert session.scalars(select(Experiment.name)).one() == "not yet"
    with session_factory(engine).begin() as session:
        session.execute(text("DELETE FROM experiments"))
    engine.dispose()
