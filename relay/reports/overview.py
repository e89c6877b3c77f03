"""The use cases behind Today, Needs attention and Sources: sums within the reach of whoever asks, ready to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import NotAllowed
from relay.ledger import audit, figures, notes, pauses
from relay.ledger.db import Database
from relay.ledger.figures import Backlog, Days, Flow, Mark, Sum, Unread, Waiting
from relay.ledger.notes import Note
from relay.ledger.pauses import Pause
from relay.money import Money
from relay.reports.causes import Cause, cause_of, reason_of
from relay.status import NEEDS_A_PERSON, ON_ITS_WAY, Kind, Status, Verdict

# Days of the chart, and of the counts by source.
DAYS = 30
LONGEST_NOTE = 2000


@dataclass(slots=True)
class Sheet:
    """The balance of one kind of money: received = posted + on its way + needs a person + closed."""

    organization: str
    kind: Kind
    currency: str
    posted: int = 0
    on_its_way: int = 0
    needs_a_person: int = 0
    closed: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """All of it."""
        return self.posted + self.on_its_way + self.needs_a_person + self.closed

    def add(self, one: Sum) -> None:
        """Put a sum where it belongs: each state has exactly one place."""
        place = place_of(one.status)
        setattr(self, place, getattr(self, place) + one.amount.minor)
        self.counts[place] = self.counts.get(place, 0) + one.count

    def money(self, place: str) -> Money:
        """What stands in one place."""
        return Money(getattr(self, place), self.currency)


def place_of(status: Status) -> str:
    """The column of the balance in which a state is counted."""
    if status in NEEDS_A_PERSON:
        return "needs_a_person"
    if status in ON_ITS_WAY:
        return "on_its_way"
    return "posted" if status is Status.POSTED else "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """The backlog of one organization, and how long it takes at the pace that was measured."""

    organization: str
    backlog: Backlog
    # Entries a minute while relay was posting, and over which time that was measured: "hour", "day", or "" for never.
    pace: float = 0
    over: str = ""
    pause: Pause | None = None

    @property
    def minutes(self) -> int | None:
        """Minutes until the line is empty; None: not known."""
        if self.pause or not self.pace:
            return None
        return max(1, round(self.backlog.ready / self.pace))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One provider of one organization, and what came of it."""

    organization: str
    provider: str
    last: datetime | None
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)
    refused: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Day:
    """One day of the chart, in minor units of its currency."""

    day: date
    received: int = 0
    posted: int = 0
    needs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Gifts of the last days in one currency; ``others`` are currencies that it leaves out."""

    currency: str
    days: tuple[Day, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What there is to know at a glance."""

    at: datetime
    sheets: tuple[Sheet, ...]
    oldest: tuple[int, datetime] | None
    drains: tuple[Drain, ...]
    sources: tuple[Source, ...]
    chart: Chart | None
    unread: int

    @property
    def waiting(self) -> int:
        """How many gifts and refunds need a person."""
        return sum(sheet.counts.get("needs_a_person", 0) for sheet in self.sheets)

    @property
    def paused(self) -> tuple[Pause, ...]:
        """The pauses there are."""
        return tuple(drain.pause for drain in self.drains if drain.pause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Everything of one organization that waits for a person for one cause."""

    organization: str
    cause: Cause
    reason: str
    status: Status
    counts: Mapping[Kind, int]
    amounts: tuple[Money, ...]
    oldest: datetime
    note: Note | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Everything that wants somebody's attention."""

    groups: tuple[Group, ...]
    marks: tuple[Mark, ...]
    unread: tuple[Unread, ...]


class Overview:
    """What stands where, and why."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    def today(self, actor: Actor, chosen: str = "") -> Today:
        """The balance, what needs a person, the backlog, the sources, the last days. Raises NotAllowed."""
        reach = self._reach(actor, chosen)
        with self.database.read() as tx:
            now = self.database.now(tx)
            sums = figures.sums(tx, reach)
            sheets = sheets_of(sums)
            since = min((one.oldest for one in sums if one.status in NEEDS_A_PERSON), default=None)
            first = figures.first_until(tx, reach, since) if since else None
            paused = {name: pause for name, pause in pauses.all_paused(tx).items() if name in reach}
            backlog = figures.backlog(tx, reach, now)
            hour = figures.pace(tx, reach, now - timedelta(hours=1))
            day = figures.pace(tx, reach, now - timedelta(days=1))
            flow = [one for days in self._days(reach, now) for one in figures.flow(tx, days)]
            last = figures.last_events(tx, self._sources(reach))
            return Today(
                at=now,
                sheets=sheets,
                oldest=(first, since) if first and since else None,
                drains=tuple(_drain(name, backlog, hour, day, paused) for name in reach),
                sources=tuple(
                    Source(organization=one, provider=name, last=last.get((one, name)))
                    for one, name in self._sources(reach)
                ),
                chart=self._chart(flow, sheets, now),
                unread=sum(one.count for one in figures.unread(tx, reach)),
            )

    def attention(self, actor: Actor, chosen: str = "") -> Attention:
        """Everything that wants somebody's attention, the oldest cause first. Raises NotAllowed."""
        reach = self._reach(actor, chosen)
        with self.database.read() as tx:
            written = notes.within(tx, reach)
            groups = groups_of(figures.waiting(tx, reach))
            noted = [replace(one, note=written.get((one.organization, one.cause.key))) for one in groups]
            marks, unread = figures.marks(tx, reach), figures.unread(tx, reach)
        return Attention(
            groups=tuple(sorted(noted, key=lambda one: one.oldest)), marks=tuple(marks), unread=tuple(unread)
        )

    def group(self, actor: Actor, organization: str, key: str) -> tuple[Group | None, Note | None]:
        """One cause, if anything still waits for it, and what was written down about it. Raises NotAllowed."""
        reach = self._reach(actor, organization)
        with self.database.read() as tx:
            groups = groups_of(figures.waiting(tx, reach))
            note = notes.of(tx, organization, key)
        return next((one for one in groups if one.cause.key == key), None), note

    def write(self, actor: Actor, organization: str, key: str, *, note: str, owner: str) -> None:
        """Write down a note and an owner of a cause, in place of what was there. Raises NotAllowed."""
        self._reach(actor, organization)
        actor.need(Permission.ACT, organization)
        clean, owner = note.strip()[:LONGEST_NOTE].replace("\x00", ""), owner.strip()[:200].replace("\x00", "")
        with self.database.write() as tx:
            now = self.database.now(tx)
            before = notes.of(tx, organization, key)
            notes.write(tx, Note(organization, key, clean, owner, actor.name, now))
            was = {"note": before.note, "owner": before.owner} if before else {}
            told = {"before": was, "after": {"note": clean, "owner": owner}}
            audit.record(tx, actor, "note", organization=organization, subject=f"cause {key}", details=told)

    def sources(self, actor: Actor, chosen: str = "") -> tuple[Source, ...]:
        """Every provider that is configured, and what came from it. Raises NotAllowed."""
        reach = self._reach(actor, chosen)
        with self.database.read() as tx:
            since = self.database.now(tx) - timedelta(days=DAYS)
            last = figures.last_events(tx, self._sources(reach))
            verdicts, refused = figures.verdicts(tx, reach, since), figures.refused(tx, reach)
        return tuple(
            Source(organization=one, provider=name, last=last.get((one, name)), verdicts=verdicts.get((one, name), {}),
                   refused=refused.get((one, name), {}))
            for one, name in self._sources(reach)
        )  # fmt: skip

    def _reach(self, actor: Actor, chosen: str) -> tuple[str, ...]:
        within = actor.within(Permission.READ, self.organizations)
        if chosen and chosen not in within:
            raise NotAllowed("there is no such organization")
        return (chosen,) if chosen else within

    def _sources(self, reach: Iterable[str]) -> list[tuple[str, str]]:
        return [(one, name) for one in reach for name in sorted(self.organizations[one].providers)]

    def _days(self, reach: Iterable[str], now: datetime) -> list[Days]:
        """The last days of the organizations, by time zone."""
        names: dict[tzinfo, tuple[str, ...]] = {}
        for name in reach:
            zone = self.organizations[name].time_zone
            names[zone] = (*names.get(zone, ()), name)
        return [Days(same, tuple(_midnights(zone, now))) for zone, same in names.items()]

    def _chart(self, flow: list[Flow], sheets: tuple[Sheet, ...], now: datetime) -> Chart | None:
        """Of the currency in which most was received."""
        gifts = [sheet for sheet in sheets if sheet.kind is Kind.GIFT]
        if not gifts:
            return None
        currency = max(gifts, key=lambda sheet: sheet.received).currency
        zones = {self.organizations[sheet.organization].time_zone for sheet in gifts}
        known = sorted({day for zone in zones for day, _ in _midnights(zone, now)})
        days = {day: Day(day) for day in known[-DAYS:]}
        for one in flow:
            if one.amount.currency == currency and one.day in days:
                _count(days[one.day], one)
        others = sorted({sheet.currency for sheet in gifts} - {currency})
        return Chart(currency=currency, days=tuple(days.values()), others=tuple(others))


def _midnights(zone: tzinfo, now: datetime) -> list[tuple[date, datetime]]:
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    return [(day, datetime.combine(day, time(), zone)) for day in days]


def _count(day: Day, one: Flow) -> None:
    if one.posted:
        day.posted += one.amount.minor
        return
    day.received += one.amount.minor
    if one.needs:
        day.needs += one.amount.minor


def sheets_of(sums: Iterable[Sum]) -> tuple[Sheet, ...]:
    """The balance by organization, kind and currency: gifts before refunds, the larger currency first."""
    found: dict[tuple[str, Kind, str], Sheet] = {}
    for one in sums:
        key = (one.organization, one.kind, one.amount.currency)
        found.setdefault(key, Sheet(*key)).add(one)
    kinds = list(Kind)
    return tuple(sorted(found.values(), key=lambda one: (one.organization, one.currency, kinds.index(one.kind))))


def groups_of(rows: Iterable[Waiting]) -> list[Group]:
    """What waits, by organization and cause."""
    found: dict[tuple[str, str], list[Waiting]] = {}
    for row in rows:
        key = cause_of(row.status, row.reason, row.text).key
        found.setdefault((row.organization, key), []).append(row)
    return [_group(organization, same) for (organization, _), same in found.items()]


def _group(organization: str, rows: list[Waiting]) -> Group:
    first = rows[0]
    counts: dict[Kind, int] = {}
    sums: dict[str, int] = {}
    for row in rows:
        counts[row.kind] = counts.get(row.kind, 0) + row.count
        sums[row.amount.currency] = sums.get(row.amount.currency, 0) + row.amount.minor
    cause = cause_of(first.status, first.reason, first.text)
    return Group(
        organization=organization,
        cause=cause,
        reason=reason_of(cause.key),
        status=first.status,
        counts=counts,
        amounts=tuple(Money(minor, currency) for currency, minor in sorted(sums.items())),
        oldest=min(row.oldest for row in rows),
    )


def _drain(
    name: str,
    backlog: Mapping[str, Backlog],
    hour: Mapping[str, tuple[int, int]],
    day: Mapping[str, tuple[int, int]],
    paused: Mapping[str, Pause],
) -> Drain:
    over = "hour" if name in hour else "day" if name in day else ""
    posted, minutes = {"hour": hour, "day": day}.get(over, {}).get(name, (0, 1))
    waits = backlog.get(name, Backlog())
    return Drain(organization=name, backlog=waits, pace=posted / minutes, over=over, pause=paused.get(name))
