"""Payments: all ids of one payment meet in one row, whatever event names them and in whatever order.

Callers hold the organization's lock (``Database.lock``), so that two siblings never resolve at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from relay.ledger.events import insert_or_ignore
from relay.ledger.models import entries, payment_keys, payments, refund_keys


@dataclass(frozen=True, slots=True)
class Source:
    """Whose ids they are: one provider of one organization."""

    organization: str
    provider: str


@dataclass(frozen=True, slots=True)
class RefundKey:
    """What is known of a provider's refund or dispute id. ``amount`` None: the provider did not say."""

    key: str
    payment_id: int
    entry_id: int | None
    void: bool
    amount: int | None


@dataclass(frozen=True, slots=True)
class Refunded:
    """What is told of one payment's refunds by choice, in minor units; see ``relay.inbound.totals``.

    ``back`` None: some came back, and nobody said how much.
    """

    stands: int
    back: int | None
    told: int


def ids_of(tx: Connection, source: Source, keys: Iterable[str]) -> list[int]:
    """The payments that already own one of these keys, oldest first."""
    found = select(payment_keys.c.payment_id).where(
        payment_keys.c.organization == source.organization,
        payment_keys.c.provider == source.provider,
        payment_keys.c.key.in_(list(keys)),
    )
    return sorted(set(tx.execute(found).scalars()))


def create(tx: Connection, source: Source, now: datetime) -> int:
    """A new payment without keys."""
    row = {"organization": source.organization, "provider": source.provider, "created_at": now}
    made: int = tx.execute(insert(payments).values(row).returning(payments.c.id)).scalar_one()
    return made


def add_keys(tx: Connection, source: Source, payment_id: int, keys: Iterable[str]) -> None:
    """Let the payment own these keys too; those it owns already stay as they are."""
    whose = {"organization": source.organization, "provider": source.provider, "payment_id": payment_id}
    for key in sorted(set(keys)):
        insert_or_ignore(tx, payment_keys, whose | {"key": key})


def join(tx: Connection, kept: int, gone: int) -> None:
    """Hand everything of one payment to another; the emptied row stays, for history."""
    for table in (payment_keys, refund_keys, entries):
        tx.execute(update(table).where(table.c.payment_id == gone).values(payment_id=kept))
    raise_total(tx, kept, refunded_total(tx, gone))


def refunded_total(tx: Connection, payment_id: int) -> int:
    """The largest cumulative refund total the provider has told for this payment, in minor units."""
    total: int = tx.execute(select(payments.c.refunded_total).where(payments.c.id == payment_id)).scalar_one()
    return total


def raise_total(tx: Connection, payment_id: int, total: int) -> None:
    """Remember a larger cumulative refund total."""
    larger = (payments.c.id == payment_id) & (payments.c.refunded_total < total)
    tx.execute(update(payments).where(larger).values(refunded_total=total))


def refunded(tx: Connection, payment_id: int) -> Refunded:
    """Everything told so far of this payment's refunds by choice."""
    columns = refund_keys.c
    sums = select(columns.void, func.sum(columns.amount), func.count() - func.count(columns.amount))
    rows = tx.execute(sums.where(columns.payment_id == payment_id).group_by(columns.void))
    found = {bool(void): (int(amount or 0), untold) for void, amount, untold in rows}
    stands, _ = found.get(False, (0, 0))
    back, untold = found.get(True, (0, 0))
    return Refunded(stands, None if untold else back, refunded_total(tx, payment_id))


def known_refunds(tx: Connection, source: Source, keys: Iterable[str]) -> list[RefundKey]:
    """What the ledger knows of these refund or dispute ids."""
    columns = refund_keys.c
    found = select(columns.key, columns.payment_id, columns.entry_id, columns.void, columns.amount)
    mine = (columns.organization == source.organization) & (columns.provider == source.provider)
    rows = tx.execute(found.where(mine & columns.key.in_(list(keys))).order_by(columns.key))
    return [RefundKey(row.key, row.payment_id, row.entry_id, row.void, row.amount) for row in rows]


def name_refund(
    tx: Connection, source: Source, payment_id: int, keys: Iterable[str], amount: int | None, *, void: bool = False
) -> None:
    """Remember the ids of one refund or dispute and, with one of them, what it came to in minor units.

    ``amount`` 0: a chargeback, which no total counts; None: not told. What is void stays void: a late "succeeded"
    books nothing.
    """
    known = known_refunds(tx, source, keys)
    owner = next((one.entry_id for one in known if one.entry_id), None)
    void = void or any(one.void for one in known)
    row: dict[str, Any] = {"organization": source.organization, "provider": source.provider, "payment_id": payment_id}
    for place, key in enumerate(sorted(set(keys))):
        first = amount if place == 0 and not known else 0
        insert_or_ignore(tx, refund_keys, row | {"key": key, "entry_id": owner, "void": void, "amount": first})
    for one in known:
        told = amount if one.amount is None else one.amount
        tx.execute(update(refund_keys).where(_is(source, one.key)).values(void=void, amount=told))


def book_refund(tx: Connection, source: Source, keys: Iterable[str], entry_id: int) -> None:
    """These ids are booked as this entry, those that are not booked yet."""
    for key in sorted(set(keys)):
        unbooked = _is(source, key) & refund_keys.c.entry_id.is_(None)
        tx.execute(update(refund_keys).where(unbooked).values(entry_id=entry_id))


def _is(source: Source, key: str) -> ColumnElement[bool]:
    columns = refund_keys.c
    return (columns.organization == source.organization) & (columns.provider == source.provider) & (columns.key == key)


def hand_over_refunds(tx: Connection, gone: int, kept: int) -> None:
    """The refunds that are not void and were booked as one entry are booked as another now."""
    booked = (refund_keys.c.entry_id == gone) & ~refund_keys.c.void
    tx.execute(update(refund_keys).where(booked).values(entry_id=kept))
