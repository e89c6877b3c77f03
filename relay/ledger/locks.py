"""Who is correcting an entry, since when: a note for the others, kept as a lease that ends by itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from relay.ledger import claims
from relay.ledger.models import leases

# From the moment the page was opened; whoever saves or leaves gives it back.
LOCK_SECONDS = 15 * 60
_PREFIX = "correct:"


@dataclass(frozen=True, slots=True)
class Lock:
    """``holder`` is correcting the entry ``since`` then."""

    holder: str
    since: datetime


def take(tx: Connection, entry_id: int, holder: str, now: datetime) -> bool:
    """Take it, or begin anew; False while somebody else holds it."""
    return claims.take_lease(tx, _name(entry_id), holder, now, seconds=LOCK_SECONDS)


def drop(tx: Connection, entry_id: int, holder: str) -> None:
    """Give it back."""
    claims.drop_lease(tx, _name(entry_id), holder)


def of(tx: Connection, entry_id: int, now: datetime) -> Lock | None:
    """Who holds it now."""
    return held(tx, [entry_id], now).get(entry_id)


def held(tx: Connection, entry_ids: Collection[int], now: datetime) -> dict[int, Lock]:
    """Which of these entries somebody is correcting now."""
    found: dict[int, Lock] = {}
    names = {_name(entry_id): entry_id for entry_id in entry_ids}
    valid = select(leases).where(leases.c.name.startswith(_PREFIX), leases.c.until >= now)
    for row in tx.execute(valid):
        if row.name in names:
            found[names[row.name]] = Lock(row.holder, row.until - timedelta(seconds=LOCK_SECONDS))
    return found


def _name(entry_id: int) -> str:
    return f"{_PREFIX}{entry_id}"
