"""The models and the migrations say the same."""

from alembic import command

from service.db.engine import create_engine, migrations_config


def test_alembic_finds_nothing_to_migrate(database_url):
    engine = create_engine(database_url)
    config = migrations_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)
    engine.dispose()
