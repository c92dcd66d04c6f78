"""Brings the database named by `FRS_DATABASE_URL` to this version's schema: `python -m migrations`."""

import structlog
from sqlalchemy import make_url

from service.db.engine import upgrade
from service.settings import Settings
from service.telemetry.logs import configure_logs


def main() -> None:
    """Upgrade and say so. Running it again changes nothing."""
    settings = Settings()
    configure_logs("migrations", level=settings.log_level, form=settings.log_format)
    url = settings.resolved_database_url
    upgrade(url)
    structlog.get_logger(__name__).info("schema.upgraded", database=make_url(url).render_as_string())


if __name__ == "__main__":
    main()
