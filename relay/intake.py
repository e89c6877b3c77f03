"""Intake: a webhook comes in, is verified, understood and stored; then it is answered.

The HTTP contract::

    200  stored, a duplicate, or not ours to use     403  a test event on a live organization, or the reverse
    400  the body is not what this provider sends    404  no such organization, or it has no such provider
    401  not proven to come from the provider        413  larger than the limit
                                                     503  could not be stored: send it again

One transaction holds event, entries and parameters; the answer leaves after its commit. What verifies but is
not understood is stored all the same, for a person and for a later version of us.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection

from relay import booking
from relay.config import Mode, Organization, Settings
from relay.errors import (
    BadSignature,
    CouldNotStore,
    LedgerUnavailable,
    NotUnderstood,
    TooLarge,
    UnknownSource,
    WrongMode,
)
from relay.ledger import events
from relay.ledger.db import Database
from relay.ledger.events import NewEvent
from relay.providers import Delivery, Parsed, Provider
from relay.queue import Bell
from relay.status import Verdict
from relay.telemetry import mask_cards

log = structlog.get_logger(__name__)

# What parse() may need again on a replay, or a person may want to see. Never a signature.
KEPT_HEADERS = ("content-type", "user-agent", "webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a webhook: the event's number and verdict."""

    event: int
    verdict: Verdict


class Intake:
    """The use case behind ``POST /webhooks/<organization>/<provider>``."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        providers: Mapping[str, Provider],
        bell: Bell,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the parts; ``clock`` gives aware UTC and judges the age of signatures."""
        self.settings = settings
        self.database = database
        self.providers = providers
        self.bell = bell
        self.clock = clock

    def take(self, organization: str, provider: str, delivery: Delivery) -> Taken:
        """Verify, read and store one webhook. Raises IntakeRefused for whatever is not answered with 200."""
        charity, source = self._source(organization, provider)
        if len(delivery.body) > self.settings.max_body_bytes:
            raise TooLarge(f"the body is larger than {self.settings.max_body_bytes} bytes")
        place = self._verify(charity, source, delivery)
        parsed, problem = parse(source, delivery)
        check_mode(charity, parsed)
        event = _new_event(charity, source, delivery, parsed, place)
        taken = self._store(charity, event, parsed, problem)
        if charity.pace.settle_seconds == 0 and taken.verdict is Verdict.ENTRY:
            self.bell.ring(organization)
        told = {"organization": organization, "provider": provider, "verdict": taken.verdict}
        log.info("event_stored", event_row=taken.event, **told)
        return taken

    def _source(self, organization: str, provider: str) -> tuple[Organization, Provider]:
        charity = self.settings.organizations.get(organization)
        if charity is None or provider not in charity.providers or provider not in self.providers:
            raise UnknownSource("no such organization or provider")
        return charity, self.providers[provider]

    def _verify(self, charity: Organization, source: Provider, delivery: Delivery) -> int:
        try:
            return source.verify(delivery, charity.providers[source.name], self.clock())
        except BadSignature as error:
            log.warning("signature_refused", organization=charity.name, provider=source.name, why=str(error))
            raise

    def _store(self, charity: Organization, event: NewEvent, parsed: Parsed, problem: str) -> Taken:
        try:
            with self.database.write() as tx:
                return self._book(tx, charity, event, parsed, problem)
        except LedgerUnavailable as error:
            raise CouldNotStore("the ledger could not be reached; send the event again") from error
        except Exception:
            # Our own mistake must not cost the event: keep it for a person, and let us know.
            log.exception("booking_failed", organization=charity.name, provider=event.provider)
        return self._store_alone(charity, event)

    def _book(self, tx: Connection, charity: Organization, event: NewEvent, parsed: Parsed, problem: str) -> Taken:
        self.database.lock(tx, charity.name)
        stored = events.store(tx, event, Verdict.NOT_UNDERSTOOD)
        if stored is None:
            return Taken(events.store_duplicate(tx, event), Verdict.DUPLICATE)
        if problem:
            verdict, note = Verdict.NOT_UNDERSTOOD, problem
        else:
            desk = booking.Booking(tx, charity, event.provider, stored, self.database.now(tx))
            booking.book(desk, parsed.facts)
            verdict, note = desk.verdict(), "; ".join([*desk.notes, *([parsed.note] if parsed.note else [])])
        events.judge(tx, stored, verdict, note)
        return Taken(stored, verdict)

    def _store_alone(self, charity: Organization, event: NewEvent) -> Taken:
        try:
            with self.database.write() as tx:
                stored = events.store(tx, event, Verdict.NOT_UNDERSTOOD)
                if stored is None:
                    return Taken(events.store_duplicate(tx, event), Verdict.DUPLICATE)
                events.judge(tx, stored, Verdict.NOT_UNDERSTOOD, "relay could not book it: see the log")
        except Exception as error:
            log.exception("event_not_stored", organization=charity.name, provider=event.provider)
            raise CouldNotStore("the event could not be stored; send it again") from error
        return Taken(stored, Verdict.NOT_UNDERSTOOD)


def parse(source: Provider, delivery: Delivery) -> tuple[Parsed, str]:
    """The meaning of a verified body, or a nameless Parsed and the reason why it has none."""
    try:
        return source.parse(delivery), ""
    except NotUnderstood as error:
        problem = str(error)
    # Raises Unreadable through: that is the sender's to mend. Anything else is ours, and costs no event.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        log.exception("parser_failed", provider=source.name)
        problem = f"relay could not read it ({type(error).__name__})"
    return Parsed(event_id="", type="", delivery_key=f"sha256:{_digest(delivery.body)}"), problem


def check_mode(charity: Organization, parsed: Parsed) -> None:
    """Raises WrongMode for a test event on a live organization, or the reverse."""
    if parsed.live is None or charity.mode is Mode.BOTH:
        return
    if parsed.live != (charity.mode is Mode.LIVE):
        kind = "live" if parsed.live else "test"
        raise WrongMode(f"a {kind} event, but this organization takes {charity.mode} events")


def _new_event(charity: Organization, source: Provider, delivery: Delivery, parsed: Parsed, place: int) -> NewEvent:
    key = parsed.delivery_key
    return NewEvent(
        organization=charity.name,
        provider=source.name,
        event_id=parsed.event_id,
        type=parsed.type,
        # An index takes keys of a limited length only.
        delivery_key=key if len(key) <= 300 else f"sha256:{_digest(key.encode())}",
        body=mask_cards(delivery.body),
        headers={name: delivery.headers[name] for name in KEPT_HEADERS if name in delivery.headers},
        live=parsed.live,
        secret_place=place,
        occurred_at=parsed.occurred_at,
        received_at=datetime.now(UTC),
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
