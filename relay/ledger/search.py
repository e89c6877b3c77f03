"""Reading the ledger: listings, totals, the balance, and the whole story of one entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, false, func, select

from relay.ledger import finding
from relay.ledger.entries import Entry, of_row
from relay.ledger.finding import Bound
from relay.ledger.models import attempts, corrections, entries, event_entries, events
from relay.money import Money
from relay.status import NEEDS_A_PERSON, ON_ITS_WAY, Kind, Status, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries: every given part must hold (AND). Times are aware UTC and speak of the receipt."""

    ids: tuple[int, ...] = ()
    organization: str = ""
    # The reach of whoever asks; None is all, for commands. It narrows, and is no part of what was asked for.
    organizations: tuple[str, ...] | None = None
    provider: str = ""
    kinds: tuple[Kind, ...] = ()
    statuses: tuple[Status, ...] = ()
    reason: str = ""
    # Of one cause: this reason, or any but for the statuses, with these very words; see relay.causes.
    reason_text: str = ""
    fund: str = ""
    currency: str = ""
    # Each a name, an e-mail address, any id or code of provider or Luminate, or an amount in major units.
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    code: str = ""
    amounts: tuple[Bound, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    # "yes", "no", or a code.
    flag: str = ""
    # Recorded in another "month" or fiscal "year" than paid in; "yes" for either, "no" for neither.
    late: str = ""
    # What was asked for cannot be: two things that exclude each other.
    nothing: bool = False

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it: a bulk change must never start from that."""
        return replace(self, organizations=None) == Filter()


def conditions(wanted: Filter) -> ColumnElement[bool]:
    """The filter as SQL."""
    if wanted.nothing:
        return false()
    columns = entries.c
    parts: list[ColumnElement[bool]] = [] if wanted.organizations is None else [finding.within(wanted.organizations)]
    exact = ("organization", "provider", "reason", "reason_text", "currency")
    parts += [columns[name] == getattr(wanted, name) for name in exact if getattr(wanted, name)]
    several = ((columns.id, wanted.ids), (columns.kind, wanted.kinds), (columns.status, wanted.statuses))
    parts += [column.in_(list(values)) for column, values in several if values]
    marks = ((columns.flag, wanted.flag), (columns.late, wanted.late))
    parts += [finding.marked(column, mark) for column, mark in marks if mark]
    parts += _typed(wanted)
    if wanted.since:
        parts.append(columns.received_at >= wanted.since)
    if wanted.until:
        parts.append(columns.received_at < wanted.until)
    return and_(*parts) if parts else ~false()


def _typed(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """What a person types into the search box."""
    yield from (finding.word(word) for word in wanted.words)
    yield from (finding.part_of_name(name) for name in wanted.names)
    yield from (finding.part_of_address(email) for email in wanted.emails)
    yield from (finding.holds(bound) for bound in wanted.amounts)
    if wanted.code:
        yield finding.named(wanted.code)
    if wanted.fund:
        yield entries.c.fund.contains(wanted.fund, autoescape=True)


def named(tx: Connection, code: str) -> list[Entry]:
    """The entries that an id or code names, the gift of a payment before its refunds."""
    if not code.strip():
        return []
    found = [
        of_row(row) for row in tx.execute(select(entries).where(finding.named(code.strip())).order_by(entries.c.id))
    ]
    return sorted(found, key=lambda entry: (entry.provider_transaction_id != code, entry.kind is not Kind.GIFT))


def count(tx: Connection, wanted: Filter) -> int:
    """How many entries match."""
    found: int = tx.execute(select(func.count()).select_from(entries).where(conditions(wanted))).scalar_one()
    return found


def listing(tx: Connection, wanted: Filter, *, limit: int | None = None, newest_first: bool = False) -> Iterator[Entry]:
    """The entries that match, in the order received."""
    order = (entries.c.received_at, entries.c.id)
    statement = select(entries).where(conditions(wanted)).limit(limit)
    statement = statement.order_by(*((column.desc() for column in order) if newest_first else order))
    # On the statement: on the connection it holds for every later one, and PostgreSQL makes no change by a cursor.
    with tx.execute(statement.execution_options(yield_per=500)) as rows:
        yield from map(of_row, rows)


@dataclass(frozen=True, slots=True)
class Total:
    """How many entries and how much money stand in one place."""

    organization: str
    kind: Kind
    status: Status
    reason: str
    currency: str
    count: int
    minor: int

    @property
    def amount(self) -> Money:
        """The sum."""
        return Money(self.minor, self.currency)


def totals(tx: Connection, wanted: Filter | None = None) -> list[Total]:
    """Counts and sums by organization, kind, status, reason and currency. Folded entries are not money twice."""
    group = [entries.c[name] for name in ("organization", "kind", "status", "reason", "currency")]
    counted = select(*group, func.count(), func.sum(entries.c.amount)).group_by(*group).order_by(*group)
    matching = and_(conditions(wanted or Filter()), entries.c.merged_into.is_(None))
    return [
        Total(row[0], Kind(row[1]), Status(row[2]), row[3], row[4], row[5], int(row[6]))
        for row in tx.execute(counted.where(matching))
    ]


@dataclass(slots=True)
class Balance:
    """Money of one organization, kind and currency: received = posted + on its way + needs a person + closed."""

    received: Money
    posted: Money
    on_its_way: Money
    needs_a_person: Money
    closed: Money
    counts: dict[Status, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the four parts make the whole, to the cent."""
        parts = self.posted.minor + self.on_its_way.minor + self.needs_a_person.minor + self.closed.minor
        return self.received.minor == parts


def balance(tx: Connection, organization: str = "") -> dict[tuple[str, Kind, str], Balance]:
    """The balance by organization, kind and currency. ``received`` is counted apart from the parts."""
    wanted = Filter(organization=organization)
    group = [entries.c[name] for name in ("organization", "kind", "currency")]
    received = select(*group, func.sum(entries.c.amount)).group_by(*group)
    sums = received.where(conditions(wanted), entries.c.merged_into.is_(None))
    found: dict[tuple[str, Kind, str], Balance] = {}
    for row in tx.execute(sums):
        nothing = Money(0, row[2])
        key = (row[0], Kind(row[1]), row[2])
        found[key] = Balance(Money(int(row[3]), row[2]), nothing, nothing, nothing, nothing)
    for total in totals(tx, wanted):
        key, nothing = (total.organization, total.kind, total.currency), Money(0, total.currency)
        _add(found.setdefault(key, Balance(nothing, nothing, nothing, nothing, nothing)), total)
    return found


def _add(sheet: Balance, total: Total) -> None:
    sheet.counts[total.status] = sheet.counts.get(total.status, 0) + total.count
    if total.status is Status.POSTED:
        sheet.posted += total.amount
    elif total.status in ON_ITS_WAY:
        sheet.on_its_way += total.amount
    elif total.status in NEEDS_A_PERSON:
        sheet.needs_a_person += total.amount
    else:
        sheet.closed += total.amount


def posted_by(tx: Connection, organization: str, login_name: str) -> set[Kind]:
    """The kinds of entries that this account has brought into Luminate: proof that it may."""
    mine = and_(entries.c.organization == organization, entries.c.login_name == login_name)
    posted = select(entries.c.kind).where(mine, entries.c.status == Status.POSTED).distinct()
    return {Kind(kind) for kind in tx.execute(posted).scalars()}


def posted_by_others(tx: Connection, organization: str, login_name: str) -> int:
    """How many gifts another account than this one has brought into Luminate."""
    gifts = and_(entries.c.organization == organization, entries.c.kind == Kind.GIFT)
    theirs = and_(entries.c.status == Status.POSTED, entries.c.login_name.not_in([login_name, ""]))
    return int(tx.execute(select(func.count()).select_from(entries).where(gifts, theirs)).scalar_one())


def gifts_with_waiting_refunds(tx: Connection) -> list[tuple[int, str]]:
    """Posted or closed gifts that a refund still waits for: (entry, organization)."""
    return [(row[0], row[1]) for row in tx.execute(_GIFTS_WITH_WAITING_REFUNDS)]


def _gifts_with_waiting_refunds() -> Select[int, str]:
    refund = entries.alias("refund")
    waits = exists().where(refund.c.payment_id == entries.c.payment_id, refund.c.status == Status.WAITING)
    ended = entries.c.status.in_([Status.POSTED, Status.CLOSED])
    gift = and_(entries.c.kind == Kind.GIFT, entries.c.merged_into.is_(None), ended, waits)
    return select(entries.c.id, entries.c.organization).where(gift)


# Every sweep asks it, once a second: made once, because the alias costs more than the query.
_GIFTS_WITH_WAITING_REFUNDS = _gifts_with_waiting_refunds()


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event for a listing, with the entries it touched."""

    id: int
    event_id: str
    organization: str
    provider: str
    type: str
    verdict: Verdict
    note: str
    entries: tuple[int, ...]
    received_at: datetime
    erased_at: datetime | None = None


def event_listing(
    tx: Connection, *, organization: str = "", verdicts: tuple[Verdict, ...] = (), limit: int | None = None
) -> list[EventRow]:
    """Events in the order received, without their bodies."""
    names = ("id", "event_id", "organization", "provider", "type", "verdict", "note", "received_at", "erased_at")
    statement = select(*(events.c[name] for name in names)).order_by(events.c.id)
    if organization:
        statement = statement.where(events.c.organization == organization)
    if verdicts:
        statement = statement.where(events.c.verdict.in_(list(verdicts)))
    if limit:
        newest = statement.order_by(None).order_by(events.c.id.desc()).limit(limit).subquery()
        statement = select(newest).order_by(newest.c.id)
    rows = list(tx.execute(statement))
    touched = _touched(tx, [row.id for row in rows])
    return [_event_row(row, touched.get(row.id, ())) for row in rows]


def _event_row(row: Row[Any], touched: tuple[int, ...]) -> EventRow:
    plain = {name: getattr(row, name) for name in EventRow.__slots__ if name not in {"verdict", "entries"}}
    return EventRow(verdict=Verdict(row.verdict), entries=touched, **plain)


def _touched(tx: Connection, ids: list[int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for start in range(0, len(ids), 500):
        links = event_entries.c
        some = select(links.event_id, links.entry_id).where(links.event_id.in_(ids[start : start + 500])).distinct()
        for event, entry in tx.execute(some.order_by(links.event_id, links.entry_id)):
            found[event] = (*found.get(event, ()), entry)
    return found


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the ledger knows of one entry, each list oldest first."""

    entry: Entry
    events: list[Row[Any]]
    attempts: list[Row[Any]]
    corrections: list[Row[Any]]
    gift: Entry | None
    refunds: list[Entry]


def story(tx: Connection, entry: Entry) -> Story:
    """The whole story of an entry."""
    links = event_entries.c
    touched = select(events, links.effect).join(event_entries, links.event_id == events.c.id)
    told = list(tx.execute(touched.where(links.entry_id == entry.id).order_by(events.c.id)))
    calls = list(tx.execute(select(attempts).where(attempts.c.entry_id == entry.id).order_by(attempts.c.id)))
    changes = select(corrections).where(corrections.c.entry_id == entry.id).order_by(corrections.c.id)
    family = select(entries).where(entries.c.payment_id == entry.payment_id, entries.c.id != entry.id)
    others = [of_row(row) for row in tx.execute(family.order_by(entries.c.id))]
    gift = next((other for other in others if other.kind is Kind.GIFT and other.merged_into is None), None)
    refunds = [other for other in others if other.kind is not Kind.GIFT]
    return Story(entry, told, calls, list(tx.execute(changes)), gift, refunds)
