"""Refunds by a code that a person supplied: of a gift that relay never saw, or that another login added.

The code, and what Luminate says the gift is worth, stand among the corrections of the refund (``overrides``), where no
later event writes. Who said it, and why, is a row of ``corrections``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from relay.ledger.entries import Entry, of_row, refunds_of
from relay.ledger.models import corrections, entries
from relay.status import Kind

ACTION = "gift_code"
# Why a gift is held of which somebody told that it is in Luminate.
HELD_FOR = "code_supplied"
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


def codes_told(tx: Connection, payment: int) -> dict[str, Entry]:
    """The codes that people supplied for refunds of this payment, each with its refund."""
    return {code: one for one in refunds_of(tx, payment) if (code := code_of(one))}


def sentence(told: Mapping[str, Entry]) -> str:
    """What these say of the payment's gift."""
    code, refund = next(iter(told.items()))
    return f"Somebody told for refund {refund.id} that this gift is in Luminate under the confirmation code {code}"


def held_for(tx: Connection, gift: Entry) -> dict[str, Any]:
    """The columns that hold a gift of which somebody told, for a refund, that Luminate has it; else nothing."""
    stands = gift.kind is Kind.GIFT and gift.merged_into is None
    told = codes_told(tx, gift.payment_id) if stands else {}
    if not told or gift.confirmation_code in told:
        return {}
    ended: dict[str, Any] = {"probe_at": None, "doubtful_from": None, "lease_until": None, "candidates": [], "flag": ""}
    return {"reason": HELD_FOR, "reason_text": f"{sentence(told)}."} | ended


def told_elsewhere(tx: Connection, site: Collection[str], codes: Collection[str], payment: int) -> set[str]:
    """Which of these codes somebody told for refunds of other payments: the gift is there, and may be another one."""
    known = [(code, one) for code in set(codes) for one in under(tx, site, code)]
    return {code for code, one in known if code_of(one) and one.payment_id != payment}
