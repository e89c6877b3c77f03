"""What arrived from one provider: when last, and which of its secrets proved it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from relay.ledger.models import events
from relay.status import Verdict


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When its last event came, and when each secret (by its place) last matched one."""

    last_at: datetime | None
    secrets: dict[int, datetime]

    @property
    def last_secret(self) -> int | None:
        """The place of the secret that matched last; None: none has yet."""
        return max(self.secrets, key=lambda place: self.secrets[place], default=None)


# The newest events tell nearly always which secrets are in use; for the others so many days are searched, too.
RECENT, DAYS = 200, 90


def told(
    tx: Connection, now: datetime, organization: str, provider: str, secrets: int, since: datetime | None = None
) -> Arrivals:
    """What arrived, repeats too. One of ``secrets`` is proven by what it matched ``since`` then, in DAYS."""
    whose = (events.c.organization == organization) & (events.c.provider == provider)
    newest = select(events.c.secret_place, events.c.received_at).where(whose).order_by(events.c.received_at.desc())
    found = list(tx.execute(newest.limit(RECENT)))
    proven: dict[int, datetime] = {}
    for place, at in found:
        if place is not None and (since is None or at >= since):
            proven.setdefault(place, at)
    missing = set(range(secrets)) - proven.keys()
    if missing and len(found) == RECENT:
        begin = max(filter(None, (since, now - timedelta(days=DAYS))))
        before = whose & (events.c.received_at >= begin) & (events.c.received_at <= found[-1].received_at)
        latest = select(events.c.secret_place, func.max(events.c.received_at).label("at"))
        latest = latest.where(before, events.c.secret_place.in_(missing)).group_by(events.c.secret_place)
        proven |= {row.secret_place: row.at for row in tx.execute(latest)}
    return Arrivals(found[0].received_at if found else None, proven)


@dataclass(frozen=True, slots=True)
class Vain:
    """Events that wait although the provider's API was asked what they mean; ``note``: what came of the last try."""

    count: int
    oldest: datetime
    note: str


def asked_in_vain(tx: Connection, organization: str, provider: str) -> Vain | None:
    """None: nothing waits, or nobody has asked yet."""
    whose = (events.c.organization == organization) & (events.c.provider == provider)
    tried = whose & (events.c.verdict == Verdict.PENDING) & (events.c.fetches > 0)
    count, oldest = tx.execute(select(func.count(), func.min(events.c.received_at)).where(tried)).one()
    if not count:
        return None
    note: str = tx.execute(select(events.c.note).where(tried).order_by(events.c.id.desc()).limit(1)).scalar_one()
    return Vain(count, oldest, note)


def first_proven(tx: Connection, organization: str, provider: str, since: datetime) -> datetime | None:
    """When the first event came since then that a secret proved."""
    whose = (events.c.organization == organization) & (events.c.provider == provider)
    proven = whose & events.c.secret_place.is_not(None) & (events.c.received_at >= since)
    found: datetime | None = tx.execute(select(func.min(events.c.received_at)).where(proven)).scalar_one()
    return found
