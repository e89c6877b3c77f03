"""Every connection at a glance: how it stands, when it last worked, what to do; and asking for a check.

What a check by the worker found is read from the ledger; database, Redis, workers and what comes in are looked at while
whoever asks waits, because that takes no more than a moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from relay.access import EVERYWHERE, Actor, Permission
from relay.config import Organization
from relay.doctor import credentials, house
from relay.doctor.checks import Check, Level, worst
from relay.doctor.examination import Patient
from relay.doctor.parts import Part, parts
from relay.doctor.rounds import EVERY, NOT_LET_IN, REST, lease_of
from relay.doctor.sources import source
from relay.ledger import alerts, arrivals, audit, claims, connections, pauses
from relay.ledger.connections import Known, Round
from relay.ledger.pauses import Pause

# A result older than this speaks for nobody any more.
OLD = 2 * EVERY
# A worker takes up what was asked for within a second or two.
PATIENCE = timedelta(seconds=30)


class State(StrEnum):
    """How it stands with a connection."""

    WORKS = "works"
    LOOK = "look"
    BROKEN = "broken"
    PAUSED = "paused"
    CHANGED = "changed"
    UNCHECKED = "unchecked"
    OLD = "old"


class Progress(StrEnum):
    """How far a check is."""

    WAITS = "waits"
    RUNS = "runs"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One connection. ``checked_at`` empty: never with these credentials.

    ``last_at`` is when it last did what it is for, ``last_what`` what that was. ``changed_at``: since when other
    credentials than before are in force; ``proven_at``: when these first worked.
    """

    endpoint: str
    state: State
    checks: tuple[Check, ...] = ()
    checked_at: datetime | None = None
    worked_at: datetime | None = None
    last_at: datetime | None = None
    last_what: str = ""
    changed_at: datetime | None = None
    proven_at: datetime | None = None
    pause: Pause | None = None
    # Looked at while whoever asks waited.
    is_live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The connections of one organization, or of the whole relay ("*")."""

    organization: str
    cards: tuple[Card, ...]
    may_ask: bool
    progress: Progress | None = None
    round: Round


class Board:
    """The use cases behind the page Connections."""

    def __init__(self, patient: Patient) -> None:
        """Take the parts."""
        self.patient, self.database = patient, patient.database

    def ask(self, organization: str, *, actor: Actor) -> bool:
        """Ask for a check; False where one is under way, or the last one has only just ended."""
        actor.need(Permission.ACT, organization)
        with self.database.write() as tx:
            now = self.database.now(tx)
            if not connections.ask(tx, organization, actor.name, now, rest=REST):
                return False
            connections.hurry(tx, organization, now, NOT_LET_IN)
            audit.record(tx, actor, "asked for a check", organization=organization, subject="connections")
        return True

    def shown(self, actor: Actor, organizations: Collection[str]) -> list[Group]:
        """The connections of these organizations, as far as the actor may read them."""
        return [self.group(actor, name) for name in actor.within(Permission.READ, organizations)]

    def group(self, actor: Actor, name: str) -> Group:
        """The connections of one organization."""
        actor.need(Permission.READ, name)
        organization = self.patient.settings.organizations[name]
        with self.database.read() as tx:
            desk = _Desk(tx, self.database.now(tx), connections.known(tx, [name]))
            return _group(desk, actor, name, self._cards(desk, organization))

    def house(self, actor: Actor, organizations: Collection[str]) -> Group:
        """What all organizations share. Of its mail, only what went to those that the actor may read is told."""
        live = [_live("database", house.database(self.database)), *self._redis()]
        with self.database.read() as tx:
            desk = _Desk(tx, self.database.now(tx), connections.known(tx, [EVERYWHERE]))
            sent = _sent(tx, "email", self._addresses(actor, organizations))
            mine = parts(self.patient, EVERYWHERE)
            cards = (*live, *(desk.card(part, sent) for part in mine))
            return _group(desk, actor, EVERYWHERE, cards, is_checked=bool(mine))

    def _cards(self, desk: _Desk, organization: Organization) -> Iterator[Card]:
        for part in parts(self.patient, organization.name):
            if provider := credentials.provider_of(part.endpoint):
                yield desk.source(part, organization, provider)
            elif part.endpoint == credentials.LUMINATE:
                at, kind = connections.last_posted(desk.tx, organization.name) or (None, "")
                yield desk.card(part, at, f"a {kind}", pauses.of(desk.tx, organization.name))
            elif part.endpoint == credentials.HOOKS:
                yield desk.card(part, _sent(desk.tx, "webhook", organization.alerts.webhooks))
            else:
                yield desk.card(part)

    def _redis(self) -> Iterator[Card]:
        """Redis and those who listen to it; where it is away, nobody knows who does."""
        found = list(house.redis_server(self.patient.redis))
        yield _live("redis", [check for check in found if check.name == "redis"])
        with self.database.read() as tx:
            seen, now = connections.last_swept(tx), self.database.now(tx)
        workers = [check for check in found if check.name == "workers"]
        card = _live("workers", [*workers, *house.sweeps(seen, now)])
        yield replace(card, last_at=seen)

    def _addresses(self, actor: Actor, organizations: Collection[str]) -> set[str]:
        known = self.patient.settings.organizations
        return {one for name in actor.within(Permission.READ, organizations) for one in known[name].alerts.emails}


def _sent(tx: Connection, kind: str, addresses: Collection[str]) -> datetime | None:
    return connections.last_message(tx, {alerts.channel(kind, address) for address in addresses})


def _live(endpoint: str, checks: Iterable[Check]) -> Card:
    """What was looked at just now."""
    found = tuple(checks)
    return Card(
        endpoint=endpoint, state=_OF_LEVEL[worst(found)] if found else State.UNCHECKED, checks=found, is_live=True
    )


def _group(desk: _Desk, actor: Actor, name: str, cards: Iterable[Card], *, is_checked: bool = True) -> Group:
    found = connections.rounds_of(desk.tx, [name]).get(name, Round(name))
    may = is_checked and actor.may(Permission.ACT, name)
    return Group(organization=name, cards=tuple(cards), may_ask=may, progress=desk.progress(found), round=found)


_OF_LEVEL: Mapping[Level, State] = {Level.OK: State.WORKS, Level.WARNING: State.LOOK, Level.FAILED: State.BROKEN}


@dataclass(frozen=True, slots=True)
class _Desk:
    """One look into the ledger."""

    tx: Connection
    now: datetime
    known: Mapping[tuple[str, str], Known]

    def card(
        self, part: Part, last_at: datetime | None = None, last_what: str = "", pause: Pause | None = None
    ) -> Card:
        """A connection that a worker looks at."""
        known, changed = self._known(part)
        checks = tuple(Check(**check) for check in known.checks) if known else ()
        return Card(
            endpoint=part.endpoint,
            state=self._state(known, checks, is_changed=changed is not None, is_paused=pause is not None),
            checks=checks,
            checked_at=known.checked_at if known else None,
            worked_at=known.worked_at if known else None,
            last_at=last_at,
            last_what=last_what if last_at else "",
            changed_at=changed,
            proven_at=known.proven_at if known else None,
            pause=pause,
        )

    def source(self, part: Part, organization: Organization, provider: str) -> Card:
        """A provider whose events come in: the ledger knows all about it."""
        _, changed = self._known(part)
        checks = tuple(source(self.tx, self.now, organization, provider, changed))
        told = checks[0].details["last_event_at"]
        last = datetime.fromisoformat(str(told)) if told else None
        proven = arrivals.first_proven(self.tx, organization.name, provider, changed) if changed else None
        state = _OF_LEVEL[worst(checks)]
        if changed and proven is None:
            state = State.CHANGED
        elif last is None:
            state = State.UNCHECKED
        return Card(
            endpoint=part.endpoint,
            state=state,
            checks=checks,
            last_at=last,
            is_live=True,
            changed_at=changed,
            proven_at=proven,
        )

    def progress(self, round_: Round) -> Progress | None:
        """How far a check is that somebody asked for."""
        if round_.asked_at is None:
            return None
        if round_.begun_at and claims.holder_of(self.tx, lease_of(round_.organization), self.now):
            return Progress.RUNS
        return Progress.NOBODY if self.now - round_.asked_at > PATIENCE else Progress.WAITS

    def _known(self, part: Part) -> tuple[Known | None, datetime | None]:
        """What was found out with the credentials in force, and since when these are others than before."""
        known = self.known.get((part.organization, part.endpoint))
        changed = credentials.changed_since(known, part.fingerprint, self.now)
        return (known if known and known.fingerprint == part.fingerprint else None), changed

    def _state(self, known: Known | None, checks: Collection[Check], *, is_changed: bool, is_paused: bool) -> State:
        if known is None or known.checked_at is None:
            return State.CHANGED if is_changed else State.PAUSED if is_paused else State.UNCHECKED
        state = _OF_LEVEL[worst(checks)]
        if is_paused and state is not State.BROKEN:
            return State.PAUSED
        return State.OLD if self.now - known.checked_at > OLD else state
