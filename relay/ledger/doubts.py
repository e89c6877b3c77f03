"""Calls that were never told recorded: Luminate may have each of them, whatever became of their entries since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from relay.ledger.entries import Entry, of_row
from relay.ledger.models import attempts
from relay.ledger.models import entries as table
from relay.money import Money
from relay.status import Kind, Outcome, Status

_UNTOLD = or_(attempts.c.outcome.is_(None), attempts.c.outcome == Outcome.UNKNOWN)


def gifts_in_doubt(tx: Connection, site: Collection[str], amount: Money, begin: datetime, end: datetime) -> list[Entry]:
    """The gifts of this amount that may have been recorded at that time without relay having been told."""
    at_the_time = and_(
        attempts.c.started_at <= end, or_(attempts.c.finished_at.is_(None), attempts.c.finished_at >= begin)
    )
    called = select(attempts.c.entry_id).where(_UNTOLD, at_the_time)
    restored = select(table.c.id).where(table.c.status == Status.UNKNOWN, table.c.doubtful_from <= end)
    # By these few, not by the many of one amount.
    either = table.c.id.in_(called.union_all(restored))
    equal = and_(table.c.amount == amount.minor, table.c.currency == amount.currency, table.c.kind != Kind.REFUND)
    found = select(table).where(table.c.organization.in_(site), equal, either).order_by(table.c.id)
    return [of_row(row) for row in tx.execute(found)]


def untold(tx: Connection, entry_id: int, until: datetime) -> tuple[datetime, datetime] | None:
    """From the start of its first to the end of its last such call; one still under way ends at ``until``."""
    mine = select(attempts.c.started_at, attempts.c.finished_at).where(attempts.c.entry_id == entry_id, _UNTOLD)
    calls = tx.execute(mine).all()
    if not calls:
        return None
    moments = [moment for call in calls for moment in (call.started_at, call.finished_at or until)]
    return min(moments), max(moments)


def login_of(tx: Connection, entry: Entry) -> str:
    """The Luminate account that made its newest call; "" where the ledger knows of none."""
    newest = select(attempts.c.login_name).where(attempts.c.entry_id == entry.id, attempts.c.fence == entry.fence)
    return tx.execute(newest).scalar_one_or_none() or ""
