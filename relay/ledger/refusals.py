"""Refused webhooks, counted: whose, why, how many a day, first and last. Never a byte of what they held.

Anybody may send a webhook with a wrong signature, so counting must cost nothing: the front door adds to a number in
memory, and a thread writes at most once a second, one row for an organization, provider, reason and day.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from sqlalchemy import Connection, case, func, select
from sqlalchemy.dialects import postgresql, sqlite

from relay.errors import LedgerUnavailable
from relay.ledger.db import Database
from relay.ledger.models import refusals

log = structlog.get_logger(__name__)

# Seconds between the first refusal and its row; what comes meanwhile is written along with it.
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Refused:
    """Webhooks refused for one reason: when last, and how many yesterday and today (UTC)."""

    last_at: datetime
    recently: int


@dataclass(slots=True)
class _Tally:
    count: int
    first_at: datetime
    last_at: datetime

    def add(self, other: _Tally) -> None:
        self.count += other.count
        self.first_at, self.last_at = min(self.first_at, other.first_at), max(self.last_at, other.last_at)


# Organization, provider, reason, day: no word of the sender's, so there are only so many.
_Key = tuple[str, str, str, date]


class Refusals:
    """Counts in memory, and a timer that carries them into the ledger."""

    def __init__(self, database: Database, pause: float = PAUSE) -> None:
        """Nothing is counted yet, and no thread runs."""
        self._database = database
        self._pause = pause
        self._lock = threading.Lock()
        self._counted: dict[_Key, _Tally] = {}
        self._timer: threading.Timer | None = None

    def count(self, organization: str, provider: str, reason: str, now: datetime) -> None:
        """Count one refusal of a known provider. Never waits for the ledger."""
        with self._lock:
            self._put((organization, provider, reason, now.astimezone(UTC).date()), _Tally(1, now, now))
            if self._timer is None:
                self._timer = threading.Timer(self._pause, self.write)
                self._timer.daemon = True
                self._timer.start()

    def _put(self, key: _Key, tally: _Tally) -> None:
        known = self._counted.setdefault(key, tally)
        if known is not tally:
            known.add(tally)

    def write(self) -> None:
        """Write what was counted; what cannot be written waits for the next refusal."""
        with self._lock:
            counted, self._counted, self._timer = self._counted, {}, None
        try:
            with self._database.write() as tx:
                for key, tally in sorted(counted.items()):
                    _add(tx, key, tally)
        except LedgerUnavailable as error:
            log.warning("refusals_not_written", why=str(error))
            with self._lock:
                for key, tally in counted.items():
                    self._put(key, tally)
        except Exception:
            log.exception("refusals_lost", count=sum(tally.count for tally in counted.values()))


def _add(tx: Connection, key: _Key, tally: _Tally) -> None:
    row: dict[str, object] = dict(zip(("organization", "provider", "reason", "day"), key, strict=True))
    row |= {"count": tally.count, "first_at": tally.first_at, "last_at": tally.last_at}
    statement = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(refusals).values(row)
    more = {"count": refusals.c.count + statement.excluded.count, "last_at": statement.excluded.last_at}
    tx.execute(statement.on_conflict_do_update(index_elements=list(refusals.primary_key.columns), set_=more))


def told(tx: Connection, organization: str, provider: str, now: datetime) -> dict[str, Refused]:
    """What was refused, by reason."""
    whose = (refusals.c.organization == organization) & (refusals.c.provider == provider)
    recent = case((refusals.c.day >= now.date() - timedelta(days=1), refusals.c.count), else_=0)
    columns = (refusals.c.reason, func.max(refusals.c.last_at), func.sum(recent))
    rows = tx.execute(select(*columns).where(whose).group_by(refusals.c.reason).order_by(refusals.c.reason))
    return {reason: Refused(last_at, int(count)) for reason, last_at, count in rows}
