"""The use cases behind the search box: find, count, export, open a gift; within the reach of whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from sqlalchemy import Connection

from relay import language
from relay.access import Actor, Permission
from relay.config import Organization
from relay.config.problems import did_you_mean
from relay.errors import NotAllowed, ReplayRefused, SearchRefused
from relay.language import Search
from relay.ledger import audit, entries, figures, lines, pauses, search
from relay.ledger.db import Database
from relay.ledger.finding import Bound
from relay.ledger.funds import with_funds
from relay.ledger.lines import Line, Total
from relay.ledger.pauses import Pause
from relay.ledger.search import Filter, Story
from relay.office.replay import Planned, planned
from relay.reports.causes import UNKNOWN, cause_of, reason_of
from relay.status import NEEDS_A_PERSON, Kind, Status

PAGE = 50
# Rows of an XLSX sheet; a CSV has no limit.
MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of a search, and what the whole of it comes to."""

    search: Search
    lines: tuple[Line, ...] = ()
    totals: tuple[Total, ...] = ()
    page: int = 1
    zone: tzinfo = UTC

    @property
    def count(self) -> int:
        """How many there are in all."""
        return sum(total.count for total in self.totals)

    @property
    def last(self) -> int:
        """The last page."""
        return max(1, -(-self.count // PAGE))


@dataclass(frozen=True, slots=True)
class Opened:
    """One gift with its whole story."""

    story: Story
    pause: Pause | None
    organization: Organization
    # What a replay would do today.
    planned: Planned


@dataclass(frozen=True, slots=True)
class Export:
    """A search to be written out: the lines are read as they are taken."""

    lines: Iterator[Line]
    zones: Mapping[str, tzinfo]


class Searching:
    """Reading gifts, by search and by number."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    def wanted(self, actor: Actor, text: str, chosen: str = "", *, permission: Permission = Permission.READ) -> Filter:
        """The filter that a search stands for, within reach. Raises SearchRefused, or NotAllowed for ``chosen``."""
        with self.database.read() as tx:
            return self._wanted(tx, language.parse(text), self._reach(actor, chosen, permission))

    def find(self, actor: Actor, text: str, chosen: str = "", page: int = 1) -> Found:
        """One page of what is found, the newest first, and the totals of all of it. Raises as ``wanted`` does."""
        asked, reach = language.parse(text), self._reach(actor, chosen)
        with self.database.read() as tx:
            wanted = self._wanted(tx, asked, reach)
            totals = tuple(lines.totals(tx, wanted))
            found = Found(search=asked, totals=totals, zone=self._zone(wanted, reach))
            page = min(max(page, 1), found.last)
            shown = lines.page(tx, wanted, limit=PAGE, offset=(page - 1) * PAGE) if totals else []
        return replace(found, lines=tuple(shown), page=page)

    def export(self, actor: Actor, text: str, chosen: str = "", *, kind: str) -> Export:
        """Everything that is found, in the order received, written down as an export first. Raises as ``wanted``."""
        asked, reach = language.parse(text), self._reach(actor, chosen)
        with self.database.read() as tx:
            wanted = self._wanted(tx, asked, reach)
            counted = search.count(tx, wanted)
        if kind == "xlsx" and counted > MOST_ROWS:
            raise SearchRefused(f"a sheet holds {MOST_ROWS:,} rows and this search finds {counted:,}: take the CSV")
        with self.database.write() as tx:
            told = {"search": str(asked.nameless), "rows": counted, "as": kind, "of": list(reach)}
            audit.record(tx, actor, "export", organization=reach[0] if len(reach) == 1 else "", details=told)
        return Export(self._stream(wanted), {name: self.organizations[name].time_zone for name in reach})

    def _stream(self, wanted: Filter) -> Iterator[Line]:
        """Read while it is written out, all at one moment."""
        with self.database.read() as tx:
            yield from lines.stream(tx, wanted)

    def open(self, actor: Actor, number: int) -> Opened:
        """The whole story of one gift; that it was seen is written down. NotAllowed where there is none in reach."""
        with self.database.read() as tx:
            entry = entries.get(tx, number)
            if entry is None or entry.organization not in self._reach(actor, ""):
                raise NotAllowed(f"there is no entry {number}")
            organization = self.organizations[entry.organization]
            told = (search.story(tx, entry), pauses.of(tx, entry.organization), organization)
            opened = Opened(*told, planned(entry, with_funds(tx, organization)))
        with self.database.write() as tx:
            audit.record(tx, actor, "see", organization=entry.organization, subject=f"entry {number}")
        return opened

    def body(self, actor: Actor, number: int, event: int) -> bytes:
        """An event of a gift word for word, for those who may act on it; written down. Raises NotAllowed."""
        opened = self.open(actor, number)
        actor.need(Permission.ACT, opened.organization.name)
        found = next((one for one in opened.story.events if one.id == event), None)
        if found is None:
            raise NotAllowed(f"entry {number} has no event {event}")
        if found.erased_at is not None:
            raise ReplayRefused(f"what event {event} held was erased on {found.erased_at:%Y-%m-%d}")
        with self.database.write() as tx:
            audit.record(tx, actor, "see_event", organization=opened.organization.name, subject=f"event {event}")
        return bytes(found.body)

    def _reach(self, actor: Actor, chosen: str, permission: Permission = Permission.READ) -> tuple[str, ...]:
        within = actor.within(permission, self.organizations)
        if chosen and chosen not in within:
            raise NotAllowed("there is no such organization")
        return (chosen,) if chosen else within

    # --- from words to a filter -----------------------------------------------------------------------------------

    def _wanted(self, tx: Connection, asked: Search, reach: tuple[str, ...]) -> Filter:
        organization = _organization(asked.one("organization"), reach)
        zone = self._zone(Filter(organization=organization), reach)
        since, until = _between(asked, datetime.now(zone).date(), zone)
        wanted = Filter(
            organizations=reach,
            organization=organization,
            ids=tuple(int(number) for number in asked.one("id").split(",") if number),
            kinds=tuple(Kind(kind) for kind in asked.one("kind").split(",") if kind),
            statuses=language.statuses(asked.one("status")),
            provider=asked.one("provider"),
            reason=asked.one("reason"),
            fund=asked.one("fund"),
            currency=asked.one("currency"),
            words=asked.all(""),
            names=asked.all("name"),
            emails=asked.all("email"),
            code=asked.one("code"),
            amounts=tuple(Bound(*language.sign(value)) for value in asked.all("amount")),
            since=since,
            until=until,
            flag=asked.one("flag"),
            late=asked.one("late"),
        )
        self._known(tx, wanted)
        return _of_cause(tx, wanted, asked.one("cause")) if asked.one("cause") else wanted

    def _zone(self, wanted: Filter, reach: tuple[str, ...]) -> tzinfo:
        """The zone in which a day begins: of the organization named, or of all that are asked; else UTC."""
        named = [wanted.organization] if wanted.organization else reach
        zones = {self.organizations[name].time_zone for name in named}
        return zones.pop() if len(zones) == 1 else UTC

    def _known(self, tx: Connection, wanted: Filter) -> None:
        """A provider, reason or flag that stands nowhere within reach is a slip of the pen."""
        reach = wanted.organizations or ()
        configured = {name for one in reach for name in self.organizations[one].providers}
        for name, value, more in (
            ("provider", wanted.provider, configured),
            ("reason", wanted.reason, frozenset[str]()),
            ("flag", wanted.flag, _ANY),
        ):
            if value and value not in more and value not in (known := lines.values(tx, name, reach)):
                raise _no_such(name, value, {*more, *known})


_ANY = frozenset({"yes", "no"})


def _organization(name: str, reach: tuple[str, ...]) -> str:
    if name and name not in reach:
        raise _no_such("organization", name, reach)
    return name


def _no_such(field: str, value: str, known: Iterable[str]) -> SearchRefused:
    names = sorted(filter(None, known))
    listed = f"; there is {', '.join(names[:20])}" if names else ""
    return SearchRefused(f'{field}: knows no "{value}"{did_you_mean(value, names)}{listed}')


def _between(asked: Search, today: date, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """From the first moment to the one after the last: ``after:`` takes its day in, ``before:`` does not."""
    starts = [language.period(day, today)[0] for field in ("on", "after") if (day := asked.one(field))]
    ends = [language.period(day, today)[1] for day in asked.all("on")]
    ends += [language.period(day, today)[0] for day in asked.all("before")]
    return _midnight(max(starts, default=None), zone), _midnight(min(ends, default=None), zone)


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone)


def _of_cause(tx: Connection, wanted: Filter, key: str) -> Filter:
    """The entries that wait for a person for one cause."""
    if key == UNKNOWN:
        return _narrowed(wanted, frozenset({Status.UNKNOWN}))
    reason, reach = reason_of(key), wanted.organizations or ()
    rows = [row for row in figures.waiting(tx, reach) if row.status is not Status.UNKNOWN]
    texts = {row.text for row in rows if cause_of(row.status, row.reason, row.text).key == key}
    if not texts and reason not in lines.values(tx, "reason", reach):
        raise _no_such("cause", key, {cause_of(row.status, row.reason, row.text).key for row in rows})
    narrowed = _narrowed(wanted, NEEDS_A_PERSON - {Status.UNKNOWN})
    # Where nothing waits for it any more the search stays, and finds nothing.
    nothing = narrowed.nothing or not texts or wanted.reason not in ("", reason)
    return replace(
        narrowed, reason=reason, reason_text="" if key == reason else min(texts, default=""), nothing=nothing
    )


def _narrowed(wanted: Filter, statuses: frozenset[Status]) -> Filter:
    both = statuses & set(wanted.statuses) if wanted.statuses else statuses
    return replace(wanted, statuses=tuple(status for status in Status if status in both), nothing=not both)


_SINGLE = ("organization", "organizations", "provider", "reason", "reason_text", "fund", "currency", "code", "flag",
           "late")  # fmt: skip


def both(one: Filter, other: Filter) -> Filter:
    """What both filters find. Two values that exclude each other find nothing; they never widen a search."""
    joined: dict[str, Any] = {}
    nothing = one.nothing or other.nothing
    for name in ("ids", "kinds", "statuses"):
        ours, theirs = getattr(one, name), getattr(other, name)
        joined[name] = tuple(value for value in ours if value in theirs) if ours and theirs else ours or theirs
        nothing = nothing or bool(ours and theirs and not joined[name])
    for name in _SINGLE:
        ours, theirs = getattr(one, name), getattr(other, name)
        joined[name] = ours or theirs
        nothing = nothing or bool(ours and theirs and ours != theirs)
    for name in ("words", "names", "emails", "amounts"):
        joined[name] = getattr(one, name) + getattr(other, name)
    starts, ends = (list(filter(None, pair)) for pair in ((one.since, other.since), (one.until, other.until)))
    return Filter(**joined, since=max(starts, default=None), until=min(ends, default=None), nothing=nothing)
