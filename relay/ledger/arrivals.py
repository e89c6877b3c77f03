"""What arrived from one provider: when last, and which of its secrets proved it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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


def told(tx: Connection, organization: str, provider: str, since: datetime | None = None) -> Arrivals:
    """What arrived, repeats too. ``since``: only what came then or later proves a secret."""
    whose = (events.c.organization == organization) & (events.c.provider == provider)
    latest = select(events.c.secret_place, func.max(events.c.received_at)).where(whose)
    found: dict[int | None, datetime] = {row[0]: row[1] for row in tx.execute(latest.group_by(events.c.secret_place))}
    proven = {
        place: last_at for place, last_at in found.items() if place is not None and (since is None or last_at >= since)
    }
    return Arrivals(max(found.values(), default=None), proven)


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
