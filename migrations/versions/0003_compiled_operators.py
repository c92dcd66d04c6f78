"""Jobs that need mmcv's compiled operators."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the column; no job of before could be submitted with such a need."""
    column: sa.Column[bool] = sa.Column(
        "compiled_operators", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("jobs", column)


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("compiled_operators")
