"""What is wrong with one organization right now: one function for each kind of alert, each a rule that can be said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from relay import words
from relay.alerting import causes
from relay.config import Organization
from relay.errors import BadSignature
from relay.ledger import pauses, search, signs
from relay.ledger.alerts import Alert
from relay.ledger.search import Balance
from relay.ledger.signs import Waits
from relay.status import Status


class Kind(StrEnum):
    """What an alert is about."""

    NEEDS_PERSON = "needs_person"
    UNKNOWN = "unknown"
    PAUSED = "paused"
    SILENCE = "silence"
    SIGNATURES = "signatures"
    BACKLOG = "backlog"
    BALANCE = "balance"


# The key of a pause that only a person ends.
ONLY_A_PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something is wrong. ``key`` says with what, where there may be several of the kind."""

    kind: Kind
    key: str = ""
    since: datetime
    headline: str
    lines: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    # The newest change of an entry that this counts: what comes after it is worth another message.
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Where and when to look."""

    tx: Connection
    organization: Organization
    now: datetime
    # What is raised already, by kind and key.
    raised: Mapping[tuple[str, str], Alert]
    # What was raised and is over since a short time.
    ended: Mapping[tuple[str, str], Alert] = field(default_factory=dict)
    balance: Callable[[Connection, str], Mapping[Any, Balance]] = search.balance


def needs_person(asked: Asked) -> Iterator[Sign]:
    """Held or refused: a person must mend, replay or close it."""
    yield from _waiting(asked, Kind.NEEDS_PERSON, (Status.HELD, Status.REJECTED), "needs a person", "need a person")


def unknown(asked: Asked) -> Iterator[Sign]:
    """Luminate may or may not have it, and the ladder of look-ups has ended without proof."""
    phrase = "may or may not be in Luminate"
    yield from _waiting(asked, Kind.UNKNOWN, (Status.UNKNOWN,), phrase, phrase)


def _waiting(asked: Asked, kind: Kind, statuses: Collection[Status], one: str, many: str) -> Iterator[Sign]:
    found = signs.waiting(asked.tx, asked.organization.name, statuses)
    if not found:
        return
    count, sums = sum(row.count for row in found), causes.sums(row.amount for row in found)
    yield Sign(
        kind=kind,
        since=asked.now,
        headline=f"{causes.counted(found)} {one if count == 1 else many}: {causes.money(sums)}",
        lines=tuple(_by_cause(asked.organization, found)),
        facts={"count": count, "money": causes.fields(sums)},
        newest=max(row.newest_change for row in found),
    )


def _by_cause(organization: Organization, found: Collection[Waits]) -> Iterator[str]:
    rows: dict[str, list[Waits]] = {}
    for row in found:
        rows.setdefault(causes.of(row.status, row.reason), []).append(row)
    for cause, same in sorted(rows.items(), key=lambda one: min(row.oldest for row in one[1])):
        oldest = words.day(min(row.oldest for row in same), organization.time_zone)
        money = causes.money(causes.sums(row.amount for row in same))
        yield f"{cause}: {causes.counted(same)}, {money}, the oldest of {oldest}"


def paused(asked: Asked) -> Iterator[Sign]:
    """Posting stands still; gifts are taken all the while."""
    pause = pauses.of(asked.tx, asked.organization.name)
    if pause is None:
        return
    by_itself = "relay tries again by itself." if pause.check_at else "Only a person ends this."
    yield Sign(
        kind=Kind.PAUSED,
        # Two alerts: somebody who was told that relay tries by itself must hear when only a person can end it.
        key="" if pause.check_at else ONLY_A_PERSON,
        since=pause.since,
        headline="posting to Luminate is paused",
        lines=(f"{causes.of_pause(pause.reason)}. {by_itself}", "Gifts are taken and kept meanwhile."),
        facts={"cause": pause.reason},
    )


# --- silence ------------------------------------------------------------------------------------------------------

HISTORY = timedelta(days=30)
# Less than this says nothing about a habit.
FEWEST_EVENTS, SHORTEST_HISTORY = 20, timedelta(days=14)
# Which of the longest gaps counts as usual: 30 days hold four weekends, and two outages must not become a habit.
USUAL = 3
# Nothing is silence before this: quiet nights are no alert.
FLOOR = timedelta(hours=24)


def silence(asked: Asked) -> Iterator[Sign]:
    """No event from a source for several times the third longest gap of its 30 days before, and never under a day."""
    times = asked.organization.alerts.silence_times
    for provider in sorted(asked.organization.providers) if times else ():
        last = signs.last_event(asked.tx, asked.organization.name, provider)
        if last is None or asked.now - last < FLOOR:
            continue
        raised = asked.raised.get((Kind.SILENCE, provider))
        usual = None if raised else _usual(asked, provider, last)
        if raised or (usual and asked.now - last >= times * usual):
            yield _silent(asked, provider, last, usual)


def _usual(asked: Asked, provider: str, last: datetime) -> timedelta | None:
    """The usual gap, as it was until the last event came; None where too little is known."""
    found = signs.habit(asked.tx, asked.organization.name, provider, last - HISTORY, longest=USUAL)
    if found.events < FEWEST_EVENTS or found.over < SHORTEST_HISTORY:
        return None
    return found.gaps[USUAL - 1]


def _silent(asked: Asked, provider: str, last: datetime, usual: timedelta | None) -> Sign:
    since = words.minute(last, asked.organization.time_zone)
    seldom = f"In the 30 days before, only two pauses were longer than {causes.lasting(usual)}." if usual else ""
    return Sign(
        kind=Kind.SILENCE,
        key=provider,
        since=last,
        headline=f"nothing has come from {provider} for {causes.lasting(asked.now - last)}",
        lines=(f"The last event came on {since}.", *filter(None, [seldom])),
        facts={"provider": provider, "last_event_at": last.isoformat()},
    )


# --- signatures ---------------------------------------------------------------------------------------------------

# A day has to see so many at the least, and so many times the average of a week.
FEWEST_REFUSED, RISE, WEEK = 10, 3, 7
# Over once none came for this long.
CALM = timedelta(hours=6)


def signatures(asked: Asked) -> Iterator[Sign]:
    """Far more webhooks with a wrong signature than in the week before it began: a secret has changed, or an attack."""
    floor = min((alert.since for alert in asked.raised.values() if alert.kind == Kind.SIGNATURES), default=asked.now)
    known = signs.refused(
        asked.tx, asked.organization.name, BadSignature.reason, (floor - timedelta(days=WEEK + 1)).date()
    )
    for provider, refused in known.items():
        raised = asked.raised.get((Kind.SIGNATURES, provider))
        began = (raised.since if raised else asked.now).date()
        week = [began - timedelta(days=back) for back in range(2, WEEK + 2)]
        usual = sum(refused.by_day.get(day, 0) for day in week) / WEEK
        lately = sum(refused.by_day.get((asked.now - timedelta(days=back)).date(), 0) for back in (0, 1))
        if asked.now - refused.last_at < CALM and lately >= max(FEWEST_REFUSED, 2 * RISE * usual):
            yield _rising(asked, provider, lately)


def _rising(asked: Asked, provider: str, count: int) -> Sign:
    return Sign(
        kind=Kind.SIGNATURES,
        key=provider,
        since=asked.now,
        headline=f"{words.count(count, 'webhook')} from {provider} had a wrong signature yesterday and today",
        lines=("They were refused, and nothing of them is kept. If they are genuine, gifts are missing.",),
        facts={"provider": provider, "count": count},
    )


# --- the line and the balance -------------------------------------------------------------------------------------

# Due for this long, and at the pace of this long not gone within PATIENCE.
LATELY, PATIENCE = timedelta(minutes=30), timedelta(hours=4)


def backlog(asked: Asked) -> Iterator[Sign]:
    """What is due does not go, although nothing is paused."""
    line = signs.line(asked.tx, asked.organization.name, asked.now, LATELY)
    if line is None or asked.now - line.since < LATELY or pauses.of(asked.tx, asked.organization.name):
        return
    if line.posted and line.due * LATELY <= line.posted * PATIENCE:
        return
    went = f"{words.count(line.posted, 'entry', 'entries')} went in the last half hour" if line.posted else "none goes"
    yield Sign(
        kind=Kind.BACKLOG,
        since=line.since,
        headline=f"{words.count(line.due, 'entry waits', 'entries wait')} for Luminate, and {went}",
        facts={"count": line.due},
    )


def balance(asked: Asked) -> Iterator[Sign]:
    """Money received is not posted + on its way + needs a person + closed: relay has a fault."""
    for (_, kind, currency), sheet in asked.balance(asked.tx, asked.organization.name).items():
        if not sheet.holds:
            parts = sheet.posted + sheet.on_its_way + sheet.needs_a_person + sheet.closed
            yield Sign(
                kind=Kind.BALANCE,
                key=f"{kind} {currency}",
                since=asked.now,
                headline=f"the balance of {kind}s in {currency} does not add up",
                lines=(f"Received {words.money(sheet.received)}, accounted for {words.money(parts)}.",),
                facts={"received": str(sheet.received.decimal), "accounted": str(parts.decimal), "currency": currency},
            )


RULES: Mapping[Kind, Callable[[Asked], Iterator[Sign]]] = {
    Kind.NEEDS_PERSON: needs_person,
    Kind.UNKNOWN: unknown,
    Kind.PAUSED: paused,
    Kind.SILENCE: silence,
    Kind.SIGNATURES: signatures,
    Kind.BACKLOG: backlog,
    Kind.BALANCE: balance,
}
