"""The AP of runs when their test images are drawn anew."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "resampled_ap",
        sa.Column("matches_sha256", sa.String(64), nullable=False),
        sa.Column("num_draws", sa.Integer(), nullable=False),
        sa.Column("values", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("matches_sha256", name=op.f("pk_resampled_ap")),
    )


def downgrade() -> None:
    """Drop it; it can be computed again."""
    op.drop_table("resampled_ap")
