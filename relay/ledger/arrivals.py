"""What arrived from one provider: when last, and which of its secrets proved it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from relay.ledger.models import events


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When its last event came, and when each secret (by its place) last matched one."""

    last_at: datetime | None
    secrets: dict[int, datetime]

    @property
    def last_secret(self) -> int | None:
        """The place of the secret that matched last; None: none has yet."""
        return max(self.secrets, key=lambda place: self.secrets[place], default=None)


def told(tx: Connection, organization: str, provider: str) -> Arrivals:
    """What arrived, repeats too."""
    whose = (events.c.organization == organization) & (events.c.provider == provider)
    latest = select(events.c.secret_place, func.max(events.c.received_at)).where(whose)
    found: dict[int | None, datetime] = {row[0]: row[1] for row in tx.execute(latest.group_by(events.c.secret_place))}
    proven = {place: last_at for place, last_at in found.items() if place is not None}
    return Arrivals(max(found.values(), default=None), proven)
