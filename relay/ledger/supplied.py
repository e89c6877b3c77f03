"""Refunds by a code that a person supplied: of a gift that relay never saw, or that another login added.

The code, and what Luminate says the gift is worth, stand among the corrections of the refund (``overrides``), where no
later event writes. Who said it, and why, is a row of ``corrections``.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, or_, select

from relay.ledger.entries import Entry, of_row
from relay.ledger.models import corrections, entries
from relay.status import Kind

ACTION = "gift_code"
CODE, WORTH = "refund_user_confirm_code", "other_amount"


def code_of(entry: Entry) -> str:
    """The code that a person supplied; "" where nobody did."""
    return entry.overrides.get(CODE, "") if entry.kind is Kind.REFUND else ""


def under(tx: Connection, site: Collection[str], code: str) -> list[Entry]:
    """The refunds on a Luminate site that go by this code, because somebody supplied it or by their gift's own.

    Found by their payments: what is left of a refund of which a part came back is an entry that nobody touched.
    """
    if not code:
        return []
    mine = entries.c.organization.in_(site)
    told = select(corrections.c.entry_id).where(corrections.c.action == ACTION)
    owner = and_(mine, entries.c.kind != Kind.REFUND, entries.c.confirmation_code == code)
    owning = set(tx.execute(select(entries.c.payment_id).where(owner)).scalars())
    somebodys = select(entries.c.payment_id).where(entries.c.id.in_(told))
    payments = or_(entries.c.payment_id.in_(somebodys), entries.c.payment_id.in_(owning))
    found = select(entries).where(mine, entries.c.kind == Kind.REFUND, payments)
    known = (of_row(row) for row in tx.execute(found.order_by(entries.c.received_at, entries.c.id)))
    return [one for one in known if code_of(one) == code or (one.payment_id in owning and not code_of(one))]
