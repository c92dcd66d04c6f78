"""Registered data sets, their versions, and which jobs use them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.db.types import UtcDateTime

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "datasets",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("owner_key_id", sa.String(16), nullable=True),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("name", name=op.f("uq_datasets_name")),
    )
    op.create_index(op.f("ix_datasets_owner_key_id"), "datasets", ["owner_key_id"])
    op.create_table(
        "dataset_versions",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("dataset_id", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("owner_key_id", sa.String(16), nullable=True),
        sa.Column("archive_uri", sa.String(1024), nullable=True),
        sa.Column("archive_sha256", sa.String(64), nullable=True),
        sa.Column("archive_bytes", sa.BigInteger(), nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=True),
        sa.Column("same_as_id", sa.String(16), nullable=True),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("statistics", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("check_job_id", sa.String(16), nullable=True),
        sa.Column("checker", sa.String(16), nullable=True),
        sa.Column("checking_until", UtcDateTime(), nullable=True),
        sa.Column("num_checks", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_versions_dataset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["same_as_id"],
            ["dataset_versions.id"],
            name=op.f("fk_dataset_versions_same_as_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_versions")),
        sa.UniqueConstraint("dataset_id", "number", name=op.f("uq_dataset_versions_dataset_id_number")),
    )
    for name in ("state", "check_job_id", "same_as_id"):
        op.create_index(op.f(f"ix_dataset_versions_{name}"), "dataset_versions", [name])
    op.create_table(
        "dataset_uses",
        sa.Column("job_id", sa.String(16), nullable=False),
        sa.Column("version_id", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_dataset_uses_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["dataset_versions.id"],
            name=op.f("fk_dataset_uses_version_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_dataset_uses")),
    )
    op.create_index(op.f("ix_dataset_uses_version_id"), "dataset_uses", ["version_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("dataset_uses")
    op.drop_table("dataset_versions")
    op.drop_table("datasets")
