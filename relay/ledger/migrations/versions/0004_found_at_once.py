"""What the search box finds entries by, and indexes that figures are summed from"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from relay.ledger.findable import Findable, words_of

revision = "0004"
down_revision = "0003"

_FIGURES = ["organization", "status", "received_at", "kind", "currency", "reason", "amount", "merged_into"]
_POSTED = ["organization", "posted_at", "kind", "currency", "amount", "merged_into"]
_OPEN = "verdict IN ('not_understood', 'pending')"
_CODES = ("provider_transaction_id", "parent_transaction_id", "confirmation_code", "luminate_transaction_id")
_ROWS = 1000


def upgrade() -> None:
    # The words are derived from other columns, so that what derives them today may fill them here.
    op.add_column("entries", sa.Column("findable", Findable(), server_default="", nullable=False))
    _fill()
    op.drop_index("ix_entries_organization_status", "entries")
    op.drop_index("ix_events_organization_received", "events")
    op.create_index("ix_events_provider", "events", ["organization", "provider", "received_at", "verdict"])
    _create_where("ix_events_open", ["organization", "provider", "verdict", "received_at"], _OPEN, "events")
    op.create_index("ix_entries_figures", "entries", _FIGURES)
    _create_where("ix_entries_posted", _POSTED, "status = 'posted'")
    _create_where("ix_entries_flagged", ["organization", "flag", "late"], "flag <> '' OR late <> ''")
    op.create_index("ix_entries_findable", "entries", ["findable"], postgresql_using="gin")
    op.create_index("ix_entries_amount", "entries", ["amount"])
    op.create_index("ix_payment_keys_key", "payment_keys", ["key"])
    op.create_index("ix_refund_keys_key", "refund_keys", ["key"])


def downgrade() -> None:
    op.drop_index("ix_refund_keys_key", "refund_keys")
    op.drop_index("ix_payment_keys_key", "payment_keys")
    for name in ("amount", "findable", "flagged", "posted", "figures"):
        op.drop_index(f"ix_entries_{name}", "entries")
    op.drop_index("ix_events_open", "events")
    op.drop_index("ix_events_provider", "events")
    op.create_index("ix_events_organization_received", "events", ["organization", "received_at"])
    op.create_index("ix_entries_organization_status", "entries", ["organization", "status", "received_at"])
    op.drop_column("entries", "findable")


def _create_where(name: str, columns: list[str], where: str, table: str = "entries") -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _fill() -> None:
    """Give the entries of before their words, some at a time."""
    names = ("id", "donor_name", "donor_email", *_CODES)
    entries = sa.table("entries", *(sa.column(name) for name in names), sa.column("findable", Findable()))
    change = sa.update(entries).where(entries.c.id == sa.bindparam("entry")).values(findable=sa.bindparam("words"))
    connection, last = op.get_bind(), 0
    while True:
        some = sa.select(*(entries.c[name] for name in names)).where(entries.c.id > last).order_by(entries.c.id)
        rows = connection.execute(some.limit(_ROWS)).all()
        if not rows:
            return
        connection.execute(change, [{"entry": row.id, "words": _words(row)} for row in rows])
        last = rows[-1].id


def _words(row: sa.Row[Any]) -> tuple[str, ...]:
    codes = (getattr(row, name) for name in _CODES)
    return words_of(name=row.donor_name, email=row.donor_email, codes=codes)
