"""The request that submitted a job, and what the keepers have done."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.db.types import UtcDateTime

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Of jobs submitted before, the request is not known."""
    op.add_column("jobs", sa.Column("request_id", sa.String(64), nullable=True))
    op.create_table(
        "chore_runs",
        sa.Column("chore", sa.String(32), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("chore", name=op.f("pk_chore_runs")),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("chore_runs")
    op.drop_column("jobs", "request_id")
