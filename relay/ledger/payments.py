"""Payments: all ids of one payment meet in one row, whatever event names them and in whatever order.

Callers hold the organization's lock (``Database.lock``), so that two siblings never resolve at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from relay.ledger.events import insert_or_ignore
from relay.ledger.models import entries, payment_keys, payments, refund_keys


@dataclass(frozen=True, slots=True)
class Source:
    """Whose ids they are: one provider of one organization."""

    organization: str
    provider: str


@dataclass(frozen=True, slots=True)
class RefundKey:
    """What is known of a provider's refund or dispute id."""

    key: str
    payment_id: int
    entry_id: int | None
    void: bool


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


def known_refunds(tx: Connection, source: Source, keys: Iterable[str]) -> list[RefundKey]:
    """What the ledger knows of these refund or dispute ids."""
    columns = refund_keys.c
    found = select(columns.key, columns.payment_id, columns.entry_id, columns.void).where(
        columns.organization == source.organization,
        columns.provider == source.provider,
        columns.key.in_(list(keys)),
    )
    return [RefundKey(row.key, row.payment_id, row.entry_id, row.void) for row in tx.execute(found)]


def add_refund_keys(
    tx: Connection, source: Source, payment_id: int, keys: Iterable[str], entry_id: int | None, *, void: bool = False
) -> None:
    """Remember refund or dispute ids and the entry they are booked as; a void one stays void."""
    whose = {"organization": source.organization, "provider": source.provider}
    for key in sorted(set(keys)):
        row = whose | {"key": key, "payment_id": payment_id, "entry_id": entry_id, "void": void}
        insert_or_ignore(tx, refund_keys, row)


def has_void_refunds(tx: Connection, payment_id: int) -> bool:
    """Whether money of some refund of this payment came back; chargebacks, where known as such, are none."""
    booked = refund_keys.outerjoin(entries, refund_keys.c.entry_id == entries.c.id)
    by_choice = entries.c.refund_reason.is_distinct_from("chargeback")
    void = select(refund_keys.c.key).select_from(booked)
    mine = void.where(refund_keys.c.payment_id == payment_id, refund_keys.c.void, by_choice)
    return tx.execute(mine.limit(1)).first() is not None


def hand_over_refunds(tx: Connection, gone: int, kept: int) -> None:
    """The refunds that are not void and were booked as one entry are booked as another now."""
    booked = (refund_keys.c.entry_id == gone) & ~refund_keys.c.void
    tx.execute(update(refund_keys).where(booked).values(entry_id=kept))


def void_refund_keys(tx: Connection, source: Source, keys: Iterable[str]) -> None:
    """The money of these refunds came back: a late "succeeded" books nothing."""
    columns = refund_keys.c
    mine = (columns.organization == source.organization) & (columns.provider == source.provider)
    tx.execute(update(refund_keys).where(mine & columns.key.in_(list(keys))).values(void=True))
