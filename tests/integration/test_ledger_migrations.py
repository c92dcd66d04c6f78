"""Migrations: from empty to head, against the models, and from every database kept under `tests/data`."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic import command
from sqlalchemy import Engine, MetaData, inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import ExperimentSpec, JobSpec
from service.db import ledger, queries
from service.db.engine import (
    SchemaMismatchError,
    check_revision,
    check_schema,
    create_engine,
    migrations_config,
    session_factory,
    upgrade,
)
from service.db.models import Base, Experiment, Job
from service.db.states import JobState

KEPT = sorted((Path(__file__).parent.parent / "data" / "databases").glob("*.sql"))
FIRST = set(re.findall(r'INSERT INTO "?(\w+)', KEPT[1].read_text()))
"""The tables that the first revision has; all are filled in what was kept."""


def _engine(url: str, request: pytest.FixtureRequest) -> Engine:
    engine = create_engine(url)
    request.addfinalizer(engine.dispose)
    return engine


def test_the_migrations_make_what_the_models_say(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    engine = create_engine(empty_database_url, foreign_keys=False)
    config = migrations_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)
    engine.dispose()


def test_the_check_sees_a_difference(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    engine = create_engine(empty_database_url, foreign_keys=False)
    config = migrations_config()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_jobs_queue")
        config.attributes["connection"] = connection
        with pytest.raises(Exception, match="ix_jobs_queue"):
            command.check(config)
    engine.dispose()


def test_an_upgrade_can_be_undone_and_done_again(
    empty_database_url: str, request: pytest.FixtureRequest
) -> None:
    upgrade(empty_database_url)
    engine = _engine(empty_database_url, request)
    config = migrations_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    upgrade(empty_database_url)
    check_schema(engine)


def test_a_database_without_tables_is_refused_with_the_remedy(
    empty_database_url: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(SchemaMismatchError, match="python -m migrations"):
        check_schema(_engine(empty_database_url, request))


def test_processes_that_upgrade_at_the_same_time_agree(
    empty_database_url: str, request: pytest.FixtureRequest
) -> None:
    environment = os.environ | {"FRS_DATABASE_URL": empty_database_url}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "migrations"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60)[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    check_schema(_engine(empty_database_url, request))


@pytest.fixture(params=KEPT, ids=lambda path: path.name)
def kept_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A kept database, loaded and not yet upgraded."""
    script = request.param.read_text()
    if ".sqlite." in request.param.name:
        with sqlite3.connect(tmp_path / "kept.db") as connection:
            connection.executescript(script)
        connection.close()
        return f"sqlite:///{tmp_path / 'kept.db'}"
    url: str = request.getfixturevalue("empty_postgresql_url")
    with psycopg.connect(url) as connection:
        connection.execute(script)
    return url


@pytest.fixture
def upgraded(kept_database: str, request: pytest.FixtureRequest) -> sessionmaker[Session]:
    """Sessions on a kept database, upgraded to head."""
    upgrade(kept_database)
    engine = _engine(kept_database, request)
    check_schema(engine)
    return session_factory(engine)


def test_the_first_revision_is_kept_for_both_databases() -> None:
    assert len(FIRST) > 15
    assert {path.name for path in KEPT} >= {"0001.sqlite.sql", "0001.postgresql.sql"}


@pytest.mark.parametrize(
    ("revision", "remedy"), [("0001", "run `python -m migrations`"), ("zzzz", "a newer version upgraded it")]
)
def test_another_schema_is_named_with_the_remedy_that_fits(
    database: Engine, revision: str, remedy: str
) -> None:
    said = rf"the database is at schema {revision}, this version needs \d+: {remedy}"
    with database.connect() as connection:  # rolled back
        connection.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": revision})
        with pytest.raises(SchemaMismatchError, match=said):
            check_revision(connection)


def test_an_upgrade_loses_no_row_and_changes_no_value(
    kept_database: str, request: pytest.FixtureRequest
) -> None:
    engine = _engine(kept_database, request)
    tables = MetaData()
    tables.reflect(engine)
    before = _rows(engine, tables)
    assert sum(map(len, before.values())) > 40
    upgrade(kept_database)
    after = _rows(engine, tables)
    before.pop("alembic_version"), after.pop("alembic_version")
    assert after == before


def _rows(engine: Engine, tables: MetaData) -> dict[str, list[str]]:
    """What the columns there were hold, as both databases print it."""
    with engine.connect() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in tables.sorted_tables
        }


def test_every_row_of_a_kept_database_is_read_through_the_models(upgraded: sessionmaker[Session]) -> None:
    with upgraded() as session:
        for mapper in Base.registry.mappers:
            rows = session.scalars(select(mapper.class_)).all()
            assert rows or mapper.local_table.name not in FIRST, mapper.local_table.name
        for job in session.scalars(select(Job)):
            assert JobSpec.model_validate(job.spec).name == job.name
        (experiment,) = session.scalars(select(Experiment)).all()
        assert ExperimentSpec.model_validate(experiment.spec).name == "blood-cells"


def test_what_was_recorded_in_a_kept_database_is_unchanged(upgraded: sessionmaker[Session]) -> None:
    with upgraded() as session:
        experiment = queries.get_experiment(session, session.scalars(select(Experiment.id)).one())
        teacher, running, queued = experiment.jobs
        assert [job.state for job in experiment.jobs] == [
            JobState.SUCCEEDED,
            JobState.RUNNING,
            JobState.QUEUED,
        ]
        loss, rate = queries.job_metrics(session, teacher.id)
        assert (loss.steps, loss.values, rate.values) == ((10,), (1.25,), (0.001,))
        assert queries.job_metrics(session, running.id)[0].nonfinite == {1: "nan"}
        (evaluation,) = queries.job_evaluations(session, teacher.id)
        assert evaluation.metrics == {"ap": 0.123456789012345, "ap_s": None}
        assert [attempt.state.value for attempt in queries.job_attempts(session, teacher.id)] == [
            "lost",
            "succeeded",
        ]
        assert queries.job_dependencies(session, queued.id) == [teacher.id]


def test_work_goes_on_in_a_kept_database(upgraded: sessionmaker[Session]) -> None:
    with upgraded.begin() as session:
        (lost,) = ledger.expire_leases(session, backoff_seconds=0)
        worker_id = ledger.register_worker(session, host="h", pid=1, version="2", devices={})
        claim = ledger.claim(session, worker_id, gpus=0, lease_seconds=60)
        assert claim is not None
        assert claim.lease.job_id == lost
        assert claim.lease.token == 2
        assert claim.weights["teacher"].uri == "file:///artifacts/weights"
