"""What the metrics ask beyond the figures of the console: how long things took lately, how long others have waited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from relay.ledger.models import attempts, entries, events, refusals
from relay.status import Status, Verdict

# How many of the latest calls and gifts a scrape looks at.
LATEST = 1000


@dataclass(frozen=True, slots=True)
class Took:
    """Something of an organization that took so many seconds, and when it ended."""

    organization: str
    ended_at: datetime
    seconds: float


def calls(tx: Connection) -> list[Took]:
    """The latest calls to Luminate that ended."""
    latest = select(attempts.c.entry_id, attempts.c.finished_at, attempts.c.seconds).where(
        attempts.c.finished_at.is_not(None), attempts.c.seconds.is_not(None)
    )
    some = latest.order_by(attempts.c.id.desc()).limit(LATEST).subquery()
    told = select(entries.c.organization, some.c.finished_at, some.c.seconds).join(
        some, some.c.entry_id == entries.c.id
    )
    return [Took(*row) for row in tx.execute(told)]


def arrivals_in_luminate(tx: Connection, organization: str) -> list[Took]:
    """The latest entries of one organization that were posted: the seconds from their receipt on.

    Zero where Luminate's clock, whose date it is, is behind.
    """
    mine = and_(entries.c.organization == organization, entries.c.status == Status.POSTED)
    latest = select(entries.c.received_at, entries.c.posted_at).where(mine, entries.c.posted_at.is_not(None))
    rows = tx.execute(latest.order_by(entries.c.posted_at.desc()).limit(LATEST))
    took = ((row.posted_at, (row.posted_at - row.received_at).total_seconds()) for row in rows)
    return [Took(organization, at, max(0.0, seconds)) for at, seconds in took]


def oldest(tx: Connection) -> dict[tuple[str, Status], datetime]:
    """Since when the oldest entry of each organization has stood in each state that is no end."""
    group = (entries.c.organization, entries.c.status)
    open_ones = entries.c.status.in_([status for status in Status if status not in (Status.POSTED, Status.CLOSED)])
    first = select(*group, func.min(entries.c.received_at)).where(open_ones, entries.c.merged_into.is_(None))
    return {(row[0], Status(row[1])): row[2] for row in tx.execute(first.group_by(*group))}


def events_by_verdict(tx: Connection) -> dict[tuple[str, str, Verdict], int]:
    """How many events of each provider came to what."""
    group = (events.c.organization, events.c.provider, events.c.verdict)
    counted = tx.execute(select(*group, func.count()).group_by(*group))
    return {(row[0], row[1], Verdict(row[2])): row[3] for row in counted}


def refused(tx: Connection) -> dict[tuple[str, str, str], int]:
    """How many webhooks of each provider were refused for each reason."""
    group = (refusals.c.organization, refusals.c.provider, refusals.c.reason)
    return {
        (row[0], row[1], row[2]): int(row[3])
        for row in tx.execute(select(*group, func.sum(refusals.c.count)).group_by(*group))
    }
