"""Long series in buckets, for charts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table and fill it from the points that are there."""
    op.create_table(
        "metric_buckets",
        sa.Column("series_id", _ID, autoincrement=False, nullable=False),
        sa.Column("bucket", _ID, autoincrement=False, nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("last_step", _ID, nullable=False),
        sa.Column("num_nonfinite", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["metric_series.id"],
            name=op.f("fk_metric_buckets_series_id_metric_series"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("series_id", "bucket", name=op.f("pk_metric_buckets")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO metric_buckets (series_id, bucket, low, high, last_step, num_nonfinite) "
        "SELECT series_id, step / 256, min(value), max(value), max(step), count(nonfinite) "
        "FROM metric_points GROUP BY series_id, step / 256"
    )


def downgrade() -> None:
    """Drop it; it can be computed again."""
    op.drop_table("metric_buckets")
