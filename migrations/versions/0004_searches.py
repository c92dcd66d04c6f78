"""Jobs whose method's options are searched for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column; no job of before was searched for."""
    column: sa.Column[object] = sa.Column("search", sa.JSON(none_as_null=True), nullable=True)
    op.add_column("jobs", column)


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("search")
