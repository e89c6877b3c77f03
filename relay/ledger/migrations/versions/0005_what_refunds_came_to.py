"""What each named refund came to, beside its id"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# One id of each booked refund bears its amount: the entry's own id that of a named one, the first id what names have
# claimed of one made from a running total. Nothing is known of those that were never booked.
_NAMED = """
    UPDATE refund_keys SET amount = COALESCE((
        SELECT entries.amount FROM entries
        WHERE entries.id = refund_keys.entry_id AND entries.refund_reason = 'refund'
        AND entries.claimed_by_keys IS NULL AND entries.provider_transaction_id = refund_keys.key), 0)
    WHERE entry_id IS NOT NULL"""
_CLAIMED = """
    UPDATE refund_keys SET amount = (SELECT claimed_by_keys FROM entries WHERE entries.id = refund_keys.entry_id)
    WHERE key = (SELECT MIN(one.key) FROM refund_keys AS one WHERE one.entry_id = refund_keys.entry_id)
    AND entry_id IN (SELECT id FROM entries WHERE claimed_by_keys IS NOT NULL)"""


def upgrade() -> None:
    op.add_column("refund_keys", sa.Column("amount", sa.BigInteger(), nullable=True))
    op.execute(_NAMED)
    op.execute(_CLAIMED)


def downgrade() -> None:
    op.drop_column("refund_keys", "amount")
