"""Where each experiment stands, for lists that read no jobs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.db.types import UtcDateTime

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_SORTED = ("name_folded", "best_ap", "best_delta", "state_order", "owner")


def upgrade() -> None:
    """Add the tables, empty: the first list that is read fills them."""
    op.create_table(
        "standings",
        sa.Column("experiment_id", sa.String(16), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("num_events", sa.Integer(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("name_folded", sa.String(600), nullable=False),
        sa.Column("owner", sa.String(200), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_order", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.String(255), nullable=False),
        sa.Column("num_jobs", sa.Integer(), nullable=False),
        sa.Column("job_states", sa.JSON(), nullable=False),
        sa.Column("seeds_done", sa.Integer(), nullable=False),
        sa.Column("seeds_total", sa.Integer(), nullable=False),
        sa.Column("best_label", sa.String(200), nullable=True),
        sa.Column("best_ap", sa.Double(), nullable=True),
        sa.Column("best_delta", sa.Double(), nullable=True),
        sa.Column("best_n", sa.Integer(), nullable=False),
        sa.Column("is_clear", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_standings_experiment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_standings")),
    )
    op.create_index("ix_standings_created", "standings", ["archived", "created_at", "experiment_id"])
    for name in _SORTED:
        op.create_index(
            f"ix_standings_{name}", "standings", ["archived", name, "created_at", "experiment_id"]
        )
    op.create_table(
        "standing_facets",
        sa.Column("experiment_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["standings.experiment_id"],
            name=op.f("fk_standing_facets_experiment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("experiment_id", "kind", "value", name=op.f("pk_standing_facets")),
    )
    op.create_index(
        "ix_standing_facets_value", "standing_facets", ["archived", "kind", "value", "experiment_id"]
    )
    op.create_table(
        "standings_watermark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standings_watermark")),
    )


def downgrade() -> None:
    """Drop them; they can be computed again."""
    op.drop_table("standings_watermark")
    op.drop_table("standing_facets")
    op.drop_table("standings")
