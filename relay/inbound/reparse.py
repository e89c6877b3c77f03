"""Reading a stored event once more: after an upgrade, or when the configuration has learned its provider's words.

The bytes were verified when they came in, so neither signature nor age is judged again; where they were not, or the
event only names an object, its provider's API is asked, as a worker would. Everything else goes the same way as at
the front door, except that nobody is mailed for what is booked so late. Booking the same payment twice is
impossible: its keys are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization, ProviderSettings, Settings
from relay.errors import NotUnderstood, ReplayRefused
from relay.inbound import booking, reading
from relay.ledger import audit, events
from relay.ledger.db import Database
from relay.ledger.events import StoredEvent
from relay.providers import Delivery, Parsed, Provider
from relay.providers.calling import Caller
from relay.status import Verdict

# What made an entry or repeated another is booked already.
AGAIN = frozenset({Verdict.NOT_UNDERSTOOD, Verdict.IGNORED, Verdict.FLAGGED})


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """What became of it: the new verdict, and the note with who asked and why."""

    event: int
    organization: str
    verdict: Verdict
    note: str


class Reparse:
    """The use case behind ``flask replay --event``."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        providers: Mapping[str, Provider],
        caller: Caller | None = None,
    ) -> None:
        """Take the parts; ``caller`` replaces the network to the providers' APIs in tests."""
        self.caller = caller or Caller()
        self.settings = settings
        self.database = database
        self.providers = providers

    def find(self, event: int) -> StoredEvent:
        """The stored event. Raises ReplayRefused when there is nothing to read again."""
        with self.database.read() as tx:
            stored = events.get(tx, event)
        if stored is None:
            raise ReplayRefused(f"there is no event number {event}; `flask events` lists them")
        if stored.erased_at is not None:
            raise ReplayRefused(f"event {event} was erased on {stored.erased_at:%Y-%m-%d}: nothing is left to read")
        if stored.duplicate_of is not None:
            raise ReplayRefused(f"event {event} repeats event {stored.duplicate_of}: read that one again")
        if stored.verdict is Verdict.PENDING:
            raise ReplayRefused(f"event {event} waits for its provider's API: a worker completes it by itself")
        if stored.verdict not in AGAIN:
            raise ReplayRefused(f"event {event} is booked already ({stored.verdict})")
        return stored

    def run(self, event: int, *, actor: Actor, reason: str) -> ReadAgain:
        """Read it again and book what it says. Raises ReplayRefused or NotUnderstood; then nothing has changed."""
        if not reason.strip():
            raise ReplayRefused("say why")
        stored = self.find(event)
        actor.need(Permission.ACT, stored.organization)
        charity, provider = self._source(stored)
        parsed = self._meaning(stored, provider, charity.providers[stored.provider])
        reading.check_mode(charity, parsed)
        with self.database.write() as tx:
            self.database.lock(tx, charity.name)
            asked = f"read again by {actor.name}: {reason}"
            again = _book(tx, charity, stored, parsed, self.database.now(tx), asked)
            told = {"reason": reason, "verdict": again.verdict}
            audit.record(tx, actor, "read again", organization=charity.name, subject=f"event {event}", details=told)
            return again

    def _source(self, stored: StoredEvent) -> tuple[Organization, Provider]:
        charity = self.settings.organizations.get(stored.organization)
        if charity is None or stored.provider not in self.providers or stored.provider not in charity.providers:
            raise ReplayRefused(f"{stored.organization} with {stored.provider} is not configured any more")
        return charity, self.providers[stored.provider]

    def _meaning(self, stored: StoredEvent, provider: Provider, settings: ProviderSettings) -> Parsed:
        """What it says. What nobody has proven yet is believed only from the provider's own API."""
        delivery = Delivery(stored.body, stored.headers)
        if stored.secret_place is not None:
            parsed, problem = reading.read(provider, delivery, settings)
            if problem:
                raise NotUnderstood(f"event {stored.id} is still not understood: {problem}")
            if not parsed.wanted:
                return parsed
        if provider.fetch is None:
            raise ReplayRefused(f"event {stored.id} was never proven to come from {stored.provider}")
        return reading.fetched(provider, delivery, settings, self.caller, stored.received_at)


def _book(
    tx: Connection, charity: Organization, stored: StoredEvent, parsed: Parsed, now: datetime, asked: str
) -> ReadAgain:
    if stored.secret_place is None and not events.prove(tx, stored, parsed.delivery_key):
        raise ReplayRefused(f"event {stored.id} is a delivery that another event has brought already")
    desk = booking.Booking(tx, charity, stored.provider, stored.id, now, mail=False)
    verdict = booking.book_event(desk, replace(parsed, note="; ".join(filter(None, (parsed.note, asked)))))
    return ReadAgain(stored.id, charity.name, verdict, "; ".join((*desk.notes, asked)))
