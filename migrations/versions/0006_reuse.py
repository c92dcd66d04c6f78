"""Jobs that may take over what an equal one ended with, and the one that they took it from."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the columns; jobs of before are run."""
    reuse: sa.Column[bool] = sa.Column("reuse", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("jobs", reuse)
    op.add_column("jobs", sa.Column("reused_from", sa.String(16), nullable=True))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("reused_from")
        jobs.drop_column("reuse")
