"""Refunds by a code that a person supplied: of a gift that relay never saw, or that another login added.

The code, and what Luminate says the gift is worth, stand among the corrections of the refund (``overrides``), where no
later event writes. Who said it, and why, is a row of ``corrections``.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from relay.ledger.entries import Entry, of_row
from relay.ledger.models import corrections, entries
from relay.status import Kind

ACTION = "gift_code"
CODE, WORTH = "refund_user_confirm_code", "other_amount"


def code_of(entry: Entry) -> str:
    """The code that a person supplied; "" where nobody did."""
    return entry.overrides.get(CODE, "") if entry.kind is Kind.REFUND else ""


def under(tx: Connection, site: Collection[str], code: str) -> list[Entry]:
    """The refunds on a Luminate site for which this code was supplied, oldest first.

    Found by their payments: what is left of a refund of which a part came back is an entry that nobody touched.
    """
    told = select(corrections.c.entry_id).where(corrections.c.action == ACTION)
    payments = select(entries.c.payment_id).where(entries.c.id.in_(told))
    found = select(entries).where(entries.c.organization.in_(site), entries.c.kind == Kind.REFUND)
    found = found.where(entries.c.payment_id.in_(payments)).order_by(entries.c.received_at, entries.c.id)
    known = (of_row(row) for row in tx.execute(found))
    return [entry for entry in known if code and code_of(entry) == code]
