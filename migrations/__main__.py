"""Brings the database named by `FRS_DATABASE_URL` to this version's schema: `python -m migrations`."""

import structlog
from sqlalchemy import make_url

from service.db.engine import upgrade
from service.settings import Settings


def main() -> None:
    """Upgrade and say so. Running it again changes nothing."""
    url = Settings().resolved_database_url
    upgrade(url)
    structlog.get_logger(__name__).info("schema.upgraded", database=make_url(url).render_as_string())


if __name__ == "__main__":
    main()
