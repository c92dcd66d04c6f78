"""The audit trail cannot be rewritten; what a key has in the queue is found without reading the rest."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OPEN = sa.text("state IN ('waiting', 'queued', 'running')")
_QUEUED = sa.text("state = 'queued'")
_REFUSAL = "an entry of the audit trail is never changed"


def upgrade() -> None:
    """Refuse changes of entries; deleting old ones is left to retention."""
    op.create_index(
        "ix_jobs_owner_open", "jobs", ["owner_key_id", "state"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index(
        "ix_jobs_owner_queue",
        "jobs",
        ["owner_key_id", "gpus", "rank", "id"],
        sqlite_where=_QUEUED,
        postgresql_where=_QUEUED,
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_entries_kept BEFORE UPDATE ON audit_entries "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_entries_kept() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_kept BEFORE UPDATE ON audit_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_kept()"
    )


def downgrade() -> None:
    """Allow them again."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_entries_kept")
    else:
        op.execute("DROP TRIGGER audit_entries_kept ON audit_entries")
        op.execute("DROP FUNCTION audit_entries_kept()")
    op.drop_index("ix_jobs_owner_queue", "jobs")
    op.drop_index("ix_jobs_owner_open", "jobs")
