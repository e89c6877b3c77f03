"""Restores: what a ledger that was restored from a backup may have forgotten, and for how long that counts.

From the backup to the moment ``flask recover`` began, the ledger that was lost took gifts and sent them. Its providers
tell of them again, by themselves for days and when somebody asks them to: so whatever was paid before that moment and
enters the line for the first time may be in Luminate already. It is looked up first, whenever it comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Index, String, Table, exists, func, insert, select

from relay.ledger.columns import Id, Moment, metadata
from relay.ledger.models import attempts, corrections, entries
from relay.status import Kind, Status

# The reason of entries that the restored ledger may have forgotten sending, and the correction that made them so.
RESTORED = "restored"
RECOVER = "recover"
BORN = "Its provider told of it after the restore, and it was paid before: the ledger that was lost may have sent it."
# How far a payment's time may be ahead of the moment it happened: a provider's clock; of a day without an hour the
# noon that relay gives it.
CLOCKS = timedelta(minutes=15)
A_DAY = timedelta(days=1)

restores = Table(
    "restores",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    # From when until when the ledger that was lost may have sent what this one knows nothing of.
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Index("ix_restores_organization", "organization"),
)


@dataclass(frozen=True, slots=True)
class Lost:
    """The time that a restored ledger has forgotten."""

    since: datetime
    until: datetime


def remember(tx: Connection, organization: str, lost: Lost) -> None:
    """An organization's ledger was restored; this outlives its pause."""
    tx.execute(insert(restores).values(organization=organization, since=lost.since, until=lost.until))


def lost_of(tx: Connection, organization: str, paid: datetime | None = None) -> Lost | None:
    """All that the restores of an organization have lost; of those only that ended then or later."""
    mine = restores.c.organization == organization
    whole = select(func.min(restores.c.since), func.max(restores.c.until)).where(mine)
    since, until = tx.execute(whole if paid is None else whole.where(restores.c.until >= paid)).one()
    return Lost(since, until) if since else None


def forgotten(tx: Connection, row: Mapping[str, Any]) -> Lost | None:
    """The lost time in which an entry with these columns may have been sent; None: it surely was not.

    A refund of a gift that was not in Luminate then cannot have been made.
    """
    is_refund = row["kind"] == Kind.REFUND
    lost = lost_of(tx, row["organization"], _paid_no_earlier_than(row))
    if lost and is_refund and _sent_since(tx, row["payment_id"], lost.until):
        return None
    return lost


def _paid_no_earlier_than(row: Mapping[str, Any]) -> datetime | None:
    """None: nobody knows. A refund that only a running total tells of may be older than the event that tells it."""
    unnamed = row["kind"] == Kind.REFUND and not row["fact"].get("keys")
    paid: datetime | None = None if unnamed else row.get("occurred_at")
    return paid and paid - (A_DAY if row["fact"].get("occurred_on") else CLOCKS)


def _sent_since(tx: Connection, payment: int, moment: datetime) -> bool:
    """Whether a payment's gift was sent after this moment: before that it was proven absent."""
    gifts = attempts.join(entries, attempts.c.entry_id == entries.c.id)
    sent = (entries.c.payment_id == payment) & (entries.c.kind == Kind.GIFT) & (attempts.c.started_at > moment)
    return bool(tx.execute(select(exists(select(attempts.c.id).select_from(gifts).where(sent)))).scalar_one())


def is_looked_up(tx: Connection, entry_id: int, lost: Lost) -> bool:
    """Whether an entry was made unknown because of this restore before: what it became since is proven."""
    mine = (corrections.c.entry_id == entry_id) & (corrections.c.action == RECOVER) & (corrections.c.at >= lost.until)
    return bool(tx.execute(select(exists(select(corrections.c.id).where(mine)))).scalar_one())


def in_doubt(lost: Lost, look_up_at: datetime) -> dict[str, Any]:
    """The columns of an entry that may have been sent in the lost time."""
    text = f"The ledger was restored: Luminate may have it since {lost.since:%Y-%m-%d %H:%M} UTC."
    doubt = {"status": Status.UNKNOWN, "reason": RESTORED, "reason_text": text, "doubtful_from": lost.since}
    return doubt | {"probe_at": look_up_at, "probes": 0, "lease_until": None}


def organizations(tx: Connection) -> Sequence[str]:
    """Every organization that has entries, configured or not."""
    return tx.execute(select(entries.c.organization).distinct().order_by(entries.c.organization)).scalars().all()


def newest_row(tx: Connection, organization: str, until: datetime) -> datetime | None:
    """When an entry of the organization was last changed, by then: web may have stored more since the restore."""
    mine = (entries.c.organization == organization) & (entries.c.changed_at <= until)
    newest = select(func.max(entries.c.changed_at)).where(mine)
    found: datetime | None = tx.execute(newest).scalar_one()
    return found
