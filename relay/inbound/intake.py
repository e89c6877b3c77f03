"""Intake: a webhook comes in, is verified, understood and stored; then it is answered.

The HTTP contract::

    200  stored, a duplicate, or not ours to use     403  a test event on a live organization, or the reverse
    400  the body is not what this provider sends    404  no such organization, or it has no such provider
    401  not proven to come from the provider        413  larger than the limit
    429  the same, from a source often wrong         503  could not be stored: send it again

One transaction holds event, entries and parameters; the answer leaves after its commit. What verifies but is
not understood is stored all the same, for a person and for a later version of us. What a known provider's address
refuses is counted, off this path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection

from relay.config import Organization, Settings
from relay.errors import (
    BadSignature,
    CouldNotStore,
    IntakeRefused,
    LedgerUnavailable,
    ProofPending,
    TooLarge,
    TooManyWrong,
    UnknownSource,
)
from relay.inbound import booking, reading
from relay.inbound.strangers import Strangers
from relay.ledger import events
from relay.ledger.db import Database
from relay.ledger.events import NewEvent
from relay.ledger.refusals import Refusals
from relay.providers import Delivery, Parsed, Provider
from relay.queue import Bell
from relay.status import Verdict
from relay.telemetry import blot, mask_cards

log = structlog.get_logger(__name__)

# What parse() may need again on a replay, or a person may want to see. Never a signature.
KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp")
# Verdicts after which a worker has something to do.
_TO_DO = frozenset({Verdict.ENTRY, Verdict.PENDING})


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a webhook: number and verdict of each event in it (almost always one)."""

    events: tuple[tuple[int, Verdict], ...]

    @property
    def event(self) -> int:
        """The number of the first event."""
        return self.events[0][0]

    @property
    def verdict(self) -> Verdict:
        """The verdict of the first event."""
        return self.events[0][1]


@dataclass(frozen=True, slots=True)
class _Read:
    """One event of a delivery on its way into the ledger; ``problem`` says why it has no meaning."""

    event: NewEvent
    parsed: Parsed
    problem: str = ""


class Intake:
    """The use case behind ``POST /webhooks/<organization>/<provider>``."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        providers: Mapping[str, Provider],
        bell: Bell,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        refusals: Refusals | None = None,
    ) -> None:
        """Take the parts; ``clock`` gives aware UTC and judges the age of signatures, ``refusals`` are counted."""
        self.settings = settings
        self.database = database
        self.providers = providers
        self.bell = bell
        self.clock = clock
        self.refusals = refusals
        self.strangers = Strangers()

    def take(self, organization: str, provider: str, delivery: Delivery) -> Taken:
        """Verify, read and store one webhook. Raises IntakeRefused for whatever is not answered with 200."""
        charity, source = self.source(organization, provider)
        try:
            return self._take(charity, source, delivery)
        except IntakeRefused as error:
            if self.refusals is not None:
                self.refusals.count(organization, provider, error.reason, self.clock())
            raise

    def _take(self, charity: Organization, source: Provider, delivery: Delivery) -> Taken:
        if len(delivery.body) > self.settings.max_body_bytes:
            raise TooLarge(f"the body is larger than {self.settings.max_body_bytes} bytes")
        place = self._verify(charity, source, delivery)
        found = [self._read(charity, source, part, place) for part in reading.parts_of(source, delivery)]
        for one in found:
            reading.check_mode(charity, one.parsed)
        taken = self._store(charity, found)
        if charity.pace.settle_seconds == 0 and any(verdict in _TO_DO for _, verdict in taken.events):
            self.bell.ring(charity.name)
        for row, verdict in taken.events:
            log.info("event_stored", organization=charity.name, provider=source.name, event_row=row, verdict=verdict)
        return taken

    def source(self, organization: str, provider: str) -> tuple[Organization, Provider]:
        """The organization and provider of an address. Raises UnknownSource."""
        charity = self.settings.organizations.get(organization)
        if charity is None or provider not in charity.providers or provider not in self.providers:
            raise UnknownSource("no such organization or provider")
        return charity, self.providers[provider]

    def _verify(self, charity: Organization, source: Provider, delivery: Delivery) -> int | None:
        """Which secret matched; None where a worker must fetch the proof first."""
        try:
            return source.verify(delivery, charity.providers[source.name], self.clock())
        except ProofPending:
            return None
        except BadSignature as error:
            self._wrong(charity.name, source.name, delivery.address, error)
            raise

    def _wrong(self, organization: str, provider: str, address: str, error: BadSignature) -> None:
        """Tell of a wrong signature in the log; of a source's too many only once. Raises TooManyWrong for those."""
        wrong = self.strangers.wrong(address, organization, provider)
        if wrong.is_first_too_many:
            log.warning("source_too_often_wrong", organization=organization, provider=provider, seconds=wrong.seconds)
        if wrong.is_too_many:
            raise TooManyWrong(str(error), wrong.seconds) from error
        log.warning("signature_refused", organization=organization, provider=provider, why=str(error))

    def _read(self, charity: Organization, source: Provider, delivery: Delivery, place: int | None) -> _Read:
        parsed, problem = reading.read(source, delivery, charity.providers[source.name])
        if place is None:
            parsed = replace(parsed, wanted=parsed.wanted or "proof")
        return _Read(_new_event(charity, source, delivery, parsed, place), parsed, problem)

    def _store(self, charity: Organization, found: Sequence[_Read]) -> Taken:
        try:
            with self.database.write() as tx:
                self.database.lock(tx, charity.name)
                return Taken(tuple(self._book(tx, charity, one) for one in found))
        except LedgerUnavailable as error:
            raise CouldNotStore("the ledger could not be reached; send the event again") from error
        except Exception:
            # Our own mistake must not cost the event: keep it for a person, and let us know.
            log.exception("booking_failed", organization=charity.name, provider=found[0].event.provider)
        return self._store_alone(found)

    def _book(self, tx: Connection, charity: Organization, one: _Read) -> tuple[int, Verdict]:
        stored = events.store(tx, one.event, Verdict.NOT_UNDERSTOOD)
        if stored is None:
            return events.store_duplicate(tx, one.event), Verdict.DUPLICATE
        if one.problem:
            events.judge(tx, stored, Verdict.NOT_UNDERSTOOD, one.problem)
            return stored, Verdict.NOT_UNDERSTOOD
        now = self.database.now(tx)
        if one.parsed.wanted:
            events.wait(tx, stored, now, f"waits until a worker has asked for: {one.parsed.wanted}")
            return stored, Verdict.PENDING
        desk = booking.Booking(tx, charity, one.event.provider, stored, now)
        return stored, booking.book_event(desk, one.parsed)

    def _store_alone(self, found: Sequence[_Read]) -> Taken:
        try:
            with self.database.write() as tx:
                return Taken(tuple(_keep(tx, one.event) for one in found))
        except Exception as error:
            log.exception("event_not_stored", provider=found[0].event.provider)
            raise CouldNotStore("the event could not be stored; send it again") from error


def _keep(tx: Connection, event: NewEvent) -> tuple[int, Verdict]:
    """Store an event that could not be booked, for a person."""
    stored = events.store(tx, event, Verdict.NOT_UNDERSTOOD)
    if stored is None:
        return events.store_duplicate(tx, event), Verdict.DUPLICATE
    events.judge(tx, stored, Verdict.NOT_UNDERSTOOD, "relay could not book it: see the log")
    return stored, Verdict.NOT_UNDERSTOOD


def _new_event(
    charity: Organization, source: Provider, delivery: Delivery, parsed: Parsed, place: int | None
) -> NewEvent:
    # Unproven, a delivery must not take the place of the genuine one that bears its id.
    key = parsed.delivery_key if place is not None else f"unproven:{reading.nameless(delivery).delivery_key}"
    kept = (*KEPT_HEADERS, *source.kept_headers)
    return NewEvent(
        organization=charity.name,
        provider=source.name,
        event_id=parsed.event_id,
        type=parsed.type,
        delivery_key=events.index_key(key) or None,
        body=mask_cards(source.scrub(delivery.body) if source.scrub else delivery.body),
        headers={name: _kept(name, delivery.headers[name]) for name in kept if name in delivery.headers},
        live=parsed.live,
        secret_place=place,
        occurred_at=parsed.occurred_at,
        received_at=datetime.now(UTC),
    )


def _kept(name: str, value: str) -> str:
    """A header as it is kept. What a proof is made of stays byte for byte; the others are anybody's to fill."""
    return blot(value) if name in KEPT_HEADERS[:2] else value
