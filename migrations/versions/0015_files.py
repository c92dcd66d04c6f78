"""Which checkpoints an experiment keeps, and what signs links to files."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.db.types import UtcDateTime

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the tables. An experiment without a row keeps everything, as before."""
    op.create_table(
        "retention_policies",
        sa.Column("experiment_id", sa.String(16), nullable=False),
        sa.Column("best", sa.Boolean(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("every_epochs", sa.Integer(), nullable=True),
        sa.Column("every_steps", sa.Integer(), nullable=True),
        sa.Column("days", sa.Double(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_retention_policies_experiment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_retention_policies")),
    )
    op.create_table(
        "signing_secrets",
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_signing_secrets")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("signing_secrets")
    op.drop_table("retention_policies")
