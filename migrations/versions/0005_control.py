"""Workers that are told to take no more, and what they use."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the columns; workers of before take jobs."""
    desired: sa.Column[str] = sa.Column("desired_state", sa.String(16), nullable=False, server_default="run")
    usage: sa.Column[object] = sa.Column("usage", sa.JSON(none_as_null=True), nullable=True)
    op.add_column("workers", desired)
    op.add_column("workers", usage)


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("workers") as workers:
        workers.drop_column("usage")
        workers.drop_column("desired_state")
