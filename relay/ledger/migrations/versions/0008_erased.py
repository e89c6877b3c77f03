"""What was erased, and when"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_MOMENT = sa.DateTime(timezone=True)
_FINAL = "erased = '' AND flag = '' AND status IN ('posted', 'closed')"


def upgrade() -> None:
    op.add_column("events", sa.Column("erased_at", _MOMENT, nullable=True))
    op.add_column("entries", sa.Column("erased", sa.String(length=10), server_default="", nullable=False))
    op.add_column("entries", sa.Column("erased_at", _MOMENT, nullable=True))
    _create_where("ix_entries_kept", ["organization", "changed_at"], _FINAL)
    _create_where("ix_entries_erased", ["organization"], "erased = 'donor'")


def downgrade() -> None:
    op.drop_index("ix_entries_erased", "entries")
    op.drop_index("ix_entries_kept", "entries")
    op.drop_column("entries", "erased_at")
    op.drop_column("entries", "erased")
    op.drop_column("events", "erased_at")


def _create_where(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "entries", columns, postgresql_where=condition, sqlite_where=condition)
