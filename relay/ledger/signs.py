"""What alerts are decided by: what waits for a person, what is stuck, how long sources are used to be silent.

Read once a minute for each organization, so every question is answered from an index, or stops early.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, and_, func, select

from relay.ledger.models import entries, events, refusals
from relay.money import Money
from relay.status import CLAIMABLE, Kind, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Entries that wait for a person for one reason, and the newest change among them."""

    status: Status
    reason: str
    kind: Kind
    amount: Money
    count: int
    oldest: datetime
    newest_change: datetime


def waiting(tx: Connection, organization: str, statuses: Collection[Status]) -> list[Waits]:
    """By status, reason, kind and currency. Of unknown ones only those that no look-up will settle."""
    group = (entries.c.status, entries.c.reason, entries.c.kind, entries.c.currency)
    told = (func.sum(entries.c.amount), func.count(), func.min(entries.c.received_at), func.max(entries.c.changed_at))
    stands = and_(_mine(organization), entries.c.status.in_(list(statuses)))
    given_up = (entries.c.status != Status.UNKNOWN) | entries.c.probe_at.is_(None)
    return [
        Waits(status=Status(row[0]), reason=row[1], kind=Kind(row[2]), amount=Money(int(row[4]), row[3]),
              count=row[5], oldest=row[6], newest_change=row[7])
        for row in tx.execute(select(*group, *told).where(stands, given_up).group_by(*group).order_by(*group))
    ]  # fmt: skip


def _mine(organization: str) -> ColumnElement[bool]:
    return and_(entries.c.organization == organization, entries.c.merged_into.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What should have gone to Luminate by now: how much, since when, and how much went lately."""

    due: int
    since: datetime
    posted: int


def line(tx: Connection, organization: str, now: datetime, lately: timedelta) -> Line | None:
    """The line before Luminate; None if it is empty."""
    is_due = and_(entries.c.status.in_(list(CLAIMABLE)), entries.c.next_attempt_at <= now)
    counted = select(func.count(), func.min(entries.c.next_attempt_at)).where(_mine(organization), is_due)
    due, since = tx.execute(counted).one()
    if not due:
        return None
    went = (entries.c.status == Status.POSTED) & (entries.c.posted_at > now - lately)
    posted = tx.execute(select(func.count()).where(_mine(organization), went)).scalar_one()
    return Line(due=due, since=since, posted=posted)


def last_event(tx: Connection, organization: str, provider: str) -> datetime | None:
    """When the newest event of a source came."""
    newest = select(func.max(events.c.received_at)).where(_from(organization, provider))
    found: datetime | None = tx.execute(newest).scalar_one()
    return found


def _from(organization: str, provider: str) -> ColumnElement[bool]:
    return and_(events.c.organization == organization, events.c.provider == provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a source used to come: how many events, over how long, and its longest gaps, longest first."""

    events: int
    over: timedelta
    gaps: tuple[timedelta, ...]


def habit(tx: Connection, organization: str, provider: str, since: datetime, *, longest: int) -> Habit:
    """The ``longest`` gaps between events that came since then."""
    came = select(events.c.received_at).where(_from(organization, provider), events.c.received_at >= since)
    times = list(tx.execute(came.order_by(events.c.received_at)).scalars())
    gaps = sorted((later - one for one, later in pairwise(times)), reverse=True)
    over = times[-1] - times[0] if times else timedelta()
    return Habit(events=len(times), over=over, gaps=tuple(gaps[:longest]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Webhooks of one source refused for one reason: by day (UTC), and when last."""

    by_day: Mapping[date, int]
    last_at: datetime


def refused(tx: Connection, organization: str, reason: str, since: date) -> dict[str, Refused]:
    """By provider."""
    mine = and_(refusals.c.organization == organization, refusals.c.reason == reason, refusals.c.day >= since)
    found: dict[str, Refused] = {}
    columns = (refusals.c.provider, refusals.c.day, refusals.c.count, refusals.c.last_at)
    for provider, day, count, last_at in tx.execute(select(*columns).where(mine).order_by(refusals.c.day)):
        known = found.get(provider)
        found[provider] = Refused(by_day={**(known.by_day if known else {}), day: count}, last_at=last_at)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Entries of one kind and currency that came, or went, in some time."""

    kind: Kind
    amount: Money
    count: int


def received(tx: Connection, organization: str, begin: datetime, end: datetime) -> list[Flow]:
    """What came between two moments."""
    # Every state is named, so that the index serves, which has the state before the time.
    every = entries.c.status.in_(list(Status))
    return _flow(tx, organization, and_(every, entries.c.received_at >= begin, entries.c.received_at < end))


def posted(tx: Connection, organization: str, begin: datetime, end: datetime) -> list[Flow]:
    """What Luminate recorded between two moments."""
    went = and_(entries.c.status == Status.POSTED, entries.c.posted_at >= begin, entries.c.posted_at < end)
    return _flow(tx, organization, went)


def _flow(tx: Connection, organization: str, which: ColumnElement[bool]) -> list[Flow]:
    group = (entries.c.kind, entries.c.currency)
    summed = select(*group, func.sum(entries.c.amount), func.count()).where(_mine(organization), which)
    return [
        Flow(kind=Kind(row[0]), amount=Money(int(row[2]), row[1]), count=row[3])
        for row in tx.execute(summed.group_by(*group).order_by(*group))
    ]
