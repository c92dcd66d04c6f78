"""Stored files found by their name and their hash."""

from collections.abc import Sequence

from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index(op.f("ix_artifacts_sha256"), "artifacts", ["sha256"])
    op.create_index("ix_artifacts_name_sha256", "artifacts", ["name", "sha256"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_artifacts_name_sha256", "artifacts")
    op.drop_index(op.f("ix_artifacts_sha256"), "artifacts")
