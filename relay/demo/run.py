"""Posting the samples through the front door, and reading in the ledger what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from relay.demo import proof
from relay.demo.announcements import ANNOUNCEMENTS, Announced
from relay.demo.door import Door
from relay.demo.paypal_key import PayPalKey
from relay.demo.place import ORGANIZATION, Place
from relay.demo.samples import EXPECTED, SAMPLES, Recorded, Sample
from relay.ledger import search
from relay.ledger.certificates import Certificates
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.search import EventRow, Filter
from relay.status import ON_ITS_WAY, Kind, Status, Verdict

WAIT_SECONDS = 30.0
# Among how many of the newest events the arrivals are looked for; others may be posting meanwhile.
NEWEST = 2000
ARRIVALS: tuple[Sample | Announced, ...] = (*SAMPLES, *ANNOUNCEMENTS.values())


@dataclass(frozen=True, slots=True)
class Ended:
    """One arrival, its event in the ledger, its entry if it has one, and whether it had arrived before this run."""

    arrival: Sample | Announced
    event: EventRow
    entry: Entry | None
    before: bool

    @property
    def moving(self) -> bool:
        """Whether relay is still at work on it."""
        on_its_way = self.entry is not None and self.entry.status in ON_ITS_WAY
        return on_its_way or self.event.verdict is Verdict.PENDING

    @property
    def surprise(self) -> str:
        """A sentence where a first arrival did not end as it should; "" where it did."""
        status = self.entry.status if self.entry else None
        if self.before or status == self.arrival.ends:
            return ""
        return f"'{self.arrival.arrives}' should be {self.arrival.ends or 'no entry'}, and is {status or 'none'}."


class SamplesRun:
    """One run of the samples, and of a gift from each provider, against a relay that is up."""

    def __init__(self, place: Place, database: Database, door: Door, key: PayPalKey) -> None:
        self._place = place
        self._database = database
        self._door = door
        self._key = key
        self._posted: list[tuple[Sample | Announced, int]] = []
        self._started = datetime.now(UTC)

    def post(self, check: Callable[[], None]) -> None:
        """Post everything in its order; ``check`` is called in between.

        The certificate is put where a worker would keep it after fetching it from PayPal.
        """
        Certificates(self._database)[self._key.url] = self._key.certificate
        for arrival in ARRIVALS:
            check()
            self._door.post(arrival, self._key)
            self._posted.append((arrival, self._newest(arrival.provider)))

    def _newest(self, provider: str) -> int:
        """The number of the event that came last from a provider; not every answer tells it (Adyen's has one word)."""
        with self._database.read() as tx:
            found = search.event_listing(tx, organization=ORGANIZATION, limit=len(ARRIVALS))
        return max(event.id for event in found if event.provider == provider)

    def wait(self, pause: Callable[[float], None]) -> list[Ended]:
        """Everything once all has come to rest, or as it is after WAIT_SECONDS."""
        deadline = time.monotonic() + WAIT_SECONDS
        while any(one.moving for one in self.ended()) and time.monotonic() < deadline:
            pause(0.25)
        return self.ended()

    def ended(self) -> list[Ended]:
        """What the ledger says of each arrival now."""
        with self._database.read() as tx:
            events = {event.id: event for event in search.event_listing(tx, organization=ORGANIZATION, limit=NEWEST)}
            ids = tuple({entry for _, number in self._posted for entry in events[number].entries})
            entries = {entry.id: entry for entry in search.listing(tx, Filter(ids=ids))} if ids else {}
        return [self._ended(one, events[number], _own(events[number], entries)) for one, number in self._posted]

    def _ended(self, arrival: Sample | Announced, event: EventRow, entry: Entry | None) -> Ended:
        before = entry.received_at < self._started if entry else event.verdict is Verdict.DUPLICATE
        return Ended(arrival, event, entry, before)

    def differences(self) -> tuple[list[str], Sequence[Recorded]]:
        """Where the sandbox differs from the ledger, after a first run from the samples too; and what it holds."""
        reply = self._door.get(f"{self._place.sandbox}/sandbox/donations?organization={ORGANIZATION}")
        if reply is None:
            return ["The sandbox does not answer."], ()
        with self._database.read() as tx:
            entries = list(search.listing(tx, Filter(organization=ORGANIZATION)))
        held = proof.from_sandbox(reply["donations"], "confirmation_code")
        found = proof.differences(proof.from_ledger(entries), held)
        if not any(one.before for one in self.ended()):
            expected = (*EXPECTED, *(one.recorded for one in ANNOUNCEMENTS.values()))
            found += proof.differences(expected, proof.from_sandbox(reply["donations"], "sub_source"))
        return found, held

    def balance(self) -> dict[tuple[str, Kind, str], search.Balance]:
        """Of the demo's organization, by kind."""
        with self._database.read() as tx:
            return search.balance(tx, ORGANIZATION)


def _own(event: EventRow, entries: dict[int, Entry]) -> Entry | None:
    """The entry an event is about: the one that stands, if it touched several."""
    touched = [entries[number] for number in event.entries if number in entries]
    standing = [entry for entry in touched if entry.status is not Status.CLOSED]
    return next(iter(standing or touched), None)
