"""Sums and counts for the first pages of the console, always within a reach of organizations.

Every sum over all entries is read from an index alone (``ix_entries_figures``, ``ix_entries_posted``): the rows
themselves are wide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, case, func, literal, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from relay.ledger.models import entries, events, refusals
from relay.money import Money
from relay.status import NEEDS_A_PERSON, Kind, Status, Verdict

Reach = tuple[str, ...]
_BACKLOG = (Status.QUEUED, Status.POSTING, Status.RETRYING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Entries of one organization, kind, state and currency."""

    organization: str
    kind: Kind
    status: Status
    amount: Money
    count: int
    oldest: datetime


def sums(tx: Connection, reach: Reach) -> list[Sum]:
    """Where all money stands. Entries that were folded into another are not counted."""
    group = [entries.c[name] for name in ("organization", "kind", "status", "currency")]
    told = (func.count(), func.sum(entries.c.amount), func.min(entries.c.received_at))
    counted = select(*group, *told).where(_counts(reach)).group_by(*group).order_by(*group)
    return [
        Sum(organization=row[0], kind=Kind(row[1]), status=Status(row[2]), amount=Money(int(row[5]), row[3]),
            count=row[4], oldest=row[6])
        for row in tx.execute(counted)
    ]  # fmt: skip


def _counts(reach: Reach) -> ColumnElement[bool]:
    return and_(entries.c.organization.in_(reach), entries.c.merged_into.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Entries that wait for a person for the same reason, said in the same words."""

    organization: str
    kind: Kind
    status: Status
    reason: str
    text: str
    amount: Money
    count: int
    oldest: datetime


def waiting(tx: Connection, reach: Reach) -> list[Waiting]:
    """Everything that needs a person, by reason and words."""
    names = ("organization", "kind", "status", "reason", "reason_text", "currency")
    group = [entries.c[name] for name in names]
    told = (func.sum(entries.c.amount), func.count(), func.min(entries.c.received_at))
    needs = and_(_counts(reach), entries.c.status.in_(list(NEEDS_A_PERSON)))
    return [
        Waiting(organization=row[0], kind=Kind(row[1]), status=Status(row[2]), reason=row[3], text=row[4],
                amount=Money(int(row[6]), row[5]), count=row[7], oldest=row[8])
        for row in tx.execute(select(*group, *told).where(needs).group_by(*group).order_by(*group))
    ]  # fmt: skip


def first_until(tx: Connection, reach: Reach, moment: datetime) -> int | None:
    """The first entry that needs a person, of those received until this moment."""
    needs = and_(_counts(reach), entries.c.status.in_(list(NEEDS_A_PERSON)), entries.c.received_at <= moment)
    first = select(entries.c.id).where(needs).order_by(entries.c.received_at, entries.c.id).limit(1)
    found: int | None = tx.execute(first).scalar_one_or_none()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Posted or closed entries that want a look all the same: a flag, or a date in another month or year."""

    organization: str
    flag: str
    late: str
    amount: Money
    count: int


def marks(tx: Connection, reach: Reach) -> list[Mark]:
    """Entries with a flag or a late date, by both."""
    group = [entries.c[name] for name in ("organization", "flag", "late", "currency")]
    marked = and_(entries.c.organization.in_(reach), (entries.c.flag != "") | (entries.c.late != ""))
    counted = select(*group, func.sum(entries.c.amount), func.count()).where(marked, entries.c.merged_into.is_(None))
    return [
        Mark(organization=row[0], flag=row[1], late=row[2], amount=Money(int(row[4]), row[3]), count=row[5])
        for row in tx.execute(counted.group_by(*group).order_by(*group))
    ]


# --- the backlog --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits in line for Luminate: now, and again later because Luminate could not be reached."""

    ready: int = 0
    later: int = 0
    # When the last of those that are tried again is due.
    last_at: datetime | None = None


def backlog(tx: Connection, reach: Reach, now: datetime) -> dict[str, Backlog]:
    """What waits in line, by organization."""
    is_later = and_(entries.c.status == Status.RETRYING, entries.c.next_attempt_at > now)
    counted = select(
        entries.c.organization, is_later, func.count(), func.max(entries.c.next_attempt_at)
    ).where(_counts(reach), entries.c.status.in_(list(_BACKLOG)))  # fmt: skip
    found: dict[str, Backlog] = {}
    for name, later, count, last_at in tx.execute(counted.group_by(entries.c.organization, is_later)):
        known = found.get(name, Backlog())
        found[name] = (
            Backlog(ready=known.ready, later=count, last_at=last_at)
            if later
            else Backlog(ready=count, later=known.later, last_at=known.last_at)
        )
    return found


def pace(tx: Connection, reach: Reach, since: datetime) -> dict[str, tuple[int, int]]:
    """How many entries were posted since then, and in how many different minutes, by organization."""
    minutes = func.count(_minute(entries.c.posted_at).distinct())
    counted = select(entries.c.organization, func.count(), minutes).where(
        entries.c.organization.in_(reach), entries.c.status == Status.POSTED, entries.c.posted_at >= since
    )
    return {row[0]: (row[1], row[2]) for row in tx.execute(counted.group_by(entries.c.organization))}


class _minute(FunctionElement[int]):  # noqa: N801  # a function of SQL
    """A moment as the number of whole minutes since 1970."""

    inherit_cache = True
    type = BigInteger()


@compiles(_minute)
def _minute_sqlite(element: _minute, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **options)}) AS INTEGER) / 60"


@compiles(_minute, "postgresql")
def _minute_postgresql(element: _minute, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(extract(epoch FROM {compiler.process(element.clauses, **options)}) AS bigint) / 60"


# --- by day -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Days:
    """Days of organizations that share a time zone, oldest first: each with its midnight."""

    organizations: Reach
    midnights: tuple[tuple[date, datetime], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Gifts of one day: received then (and whether a person is needed now), or posted then."""

    day: date
    posted: bool
    needs: bool
    amount: Money


def flow(tx: Connection, days: Days) -> list[Flow]:
    """Gifts received and gifts posted on each of these days."""
    needs = entries.c.status.in_(list(NEEDS_A_PERSON))
    # Every state is named, so that the index serves, which has the state before the time.
    came = _daily(days, entries.c.received_at, entries.c.status.in_(list(Status)), case((needs, 1), else_=0), 0)
    went = _daily(days, entries.c.posted_at, entries.c.status == Status.POSTED, literal(0), 1)
    return [
        Flow(day=days.midnights[row.place][0], posted=bool(row.posted), needs=bool(row.mark),
             amount=Money(int(row.minor), row.currency))
        for row in tx.execute(union_all(came, went))
    ]  # fmt: skip


def _daily(
    days: Days, moment: ColumnElement[Any], which: ColumnElement[bool], mark: ColumnElement[Any], posted: int
) -> Select[Any]:
    """One pass over the index: for each entry the last midnight before it, then the sums."""
    starts = list(enumerate(start for _, start in days.midnights))
    place = case(*((moment >= start, place) for place, start in reversed(starts[1:])), else_=0).label("place")
    mine = and_(entries.c.organization.in_(days.organizations), which, moment >= starts[0][1])
    gifts = and_(mine, entries.c.kind == Kind.GIFT, entries.c.merged_into.is_(None))
    inner = select(place, mark.label("mark"), entries.c.currency, entries.c.amount).where(gifts).subquery()
    group = (inner.c.place, inner.c.mark, inner.c.currency)
    summed = (func.sum(inner.c.amount).label("minor"), literal(posted).label("posted"))
    return select(*group, *summed).group_by(*group)


# --- events -------------------------------------------------------------------------------------------------------


def last_events(tx: Connection, sources: Iterable[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
    """When the newest event of each of these (organization, provider) came; each is one look into the index."""
    asked = [
        select(
            literal(organization).label("organization"),
            literal(provider).label("provider"),
            select(func.max(events.c.received_at))
            .where(events.c.organization == organization, events.c.provider == provider)
            .scalar_subquery()
            .label("at"),
        )
        for organization, provider in sources
    ]
    found = tx.execute(union_all(*asked)) if asked else ()
    return {(row[0], row[1]): row[2] for row in found if row[2] is not None}


def verdicts(tx: Connection, reach: Reach, since: datetime) -> dict[tuple[str, str], dict[Verdict, int]]:
    """What the events of each source came to since then."""
    group = (events.c.organization, events.c.provider, events.c.verdict)
    counted = select(*group, func.count()).where(events.c.organization.in_(reach), events.c.received_at >= since)
    found: dict[tuple[str, str], dict[Verdict, int]] = {}
    for organization, provider, verdict, count in tx.execute(counted.group_by(*group)):
        found.setdefault((organization, provider), {})[Verdict(verdict)] = count
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Events that came to nothing yet: not understood, or waiting for the provider to say more."""

    organization: str
    provider: str
    verdict: Verdict
    count: int
    oldest: datetime


def unread(tx: Connection, reach: Reach) -> list[Unread]:
    """Events that were not understood, and those that are pending."""
    group = (events.c.organization, events.c.provider, events.c.verdict)
    open_ones = events.c.verdict.in_([Verdict.NOT_UNDERSTOOD, Verdict.PENDING])
    counted = select(*group, func.count(), func.min(events.c.received_at))
    return [
        Unread(organization=row[0], provider=row[1], verdict=Verdict(row[2]), count=row[3], oldest=row[4])
        for row in tx.execute(
            counted.where(events.c.organization.in_(reach), open_ones).group_by(*group).order_by(*group)
        )
    ]


def refused(tx: Connection, reach: Reach) -> dict[tuple[str, str], dict[str, datetime]]:
    """When webhooks of each source were last refused, by reason."""
    group = (refusals.c.organization, refusals.c.provider, refusals.c.reason)
    last = select(*group, func.max(refusals.c.last_at)).where(refusals.c.organization.in_(reach)).group_by(*group)
    found: dict[tuple[str, str], dict[str, datetime]] = {}
    for organization, provider, reason, at in tx.execute(last):
        found.setdefault((organization, provider), {})[reason] = at
    return found
