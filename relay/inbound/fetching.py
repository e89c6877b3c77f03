"""Fetching: events that only name an object, or whose proof must be fetched, are completed by a worker.

The front door stored them as ``pending``; here the provider's API is asked (reads only, so again and again on a
ladder), and what it says is booked exactly like any other event. After the last rung a person must look.

One run of an organization at a time, so that two answers about one payment are booked in the order they were given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from relay.config import Organization
from relay.errors import BadSignature, FetchFailed, LedgerUnavailable, NotUnderstood, WrongMode
from relay.inbound import booking, reading
from relay.ledger import claims, events
from relay.ledger.db import Database
from relay.ledger.events import StoredEvent
from relay.providers import Delivery, Parsed, Provider
from relay.providers.calling import WHOLE_SECONDS, Caller
from relay.status import Verdict

log = structlog.get_logger(__name__)

# Waits before each further try (seconds).
LADDER = (10, 60, 300, 1800, 7200, 21600, 86400)
AT_ONCE = 50
# A run ends after this many seconds, so that a slow provider does not keep gifts from being posted.
SLICE_SECONDS = 20.0
# Longer than one event can take (four calls, at the very worst); a killed worker keeps the others waiting that long.
LEASE_SECONDS = 4.0 * WHOLE_SECONDS


class Fetching:
    """The pending events of one organization."""

    def __init__(
        self,
        database: Database,
        organization: Organization,
        providers: Mapping[str, Provider],
        caller: Caller,
        *,
        worker: str,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the parts; ``worker`` names this process in the lease."""
        self.database = database
        self.organization = organization
        self.providers = providers
        self.caller = caller
        self.worker = worker
        self.stopping = stopping

    def run(self) -> int:
        """Complete what is due; gives back how many events were. Does nothing while another worker is at it."""
        due = self._due()
        if not due or not self._lease():
            return 0
        try:
            return self._complete_all(due)
        finally:
            with self.database.write() as tx:
                claims.drop_lease(tx, self._lease_name, self.worker)

    def _due(self) -> list[StoredEvent]:
        with self.database.read() as tx:
            return events.pending(tx, self.organization.name, self.database.now(tx), limit=AT_ONCE)

    @property
    def _lease_name(self) -> str:
        return f"fetching:{self.organization.name}"

    def _lease(self) -> bool:
        with self.database.write() as tx:
            return claims.take_lease(tx, self._lease_name, self.worker, self.database.now(tx), seconds=LEASE_SECONDS)

    def _complete_all(self, due: list[StoredEvent]) -> int:
        end, done = time.monotonic() + SLICE_SECONDS, 0
        silent: set[str] = set()
        for event in due:
            if self.stopping() or time.monotonic() > end or not self._lease():
                break
            if event.provider not in silent and self._is_pending(event):
                done += self._complete(event, silent)
        return done

    def _is_pending(self, event: StoredEvent) -> bool:
        """Whether it still waits: another worker may have completed it before this one had the lease."""
        with self.database.read() as tx:
            return events.still_pending(tx, event.id)

    def _complete(self, event: StoredEvent, silent: set[str]) -> bool:
        provider = self.providers.get(event.provider)
        settings = self.organization.providers.get(event.provider)
        if provider is None or provider.fetch is None or settings is None:
            return self._end(event, Verdict.NOT_UNDERSTOOD, "its provider is not configured any more")
        try:
            delivery = Delivery(event.body, event.headers)
            parsed = reading.fetched(provider, delivery, settings, self.caller, event.received_at)
            reading.check_mode(self.organization, parsed)
        except FetchFailed as error:
            silent |= {event.provider} if error.silent else set()
            return self._again(event, error)
        except (BadSignature, WrongMode) as error:
            log.warning("pending_event_refused", event_row=event.id, why=str(error))
            return self._end(event, Verdict.FLAGGED, f"not used: {error}")
        except NotUnderstood as error:
            return self._end(event, Verdict.NOT_UNDERSTOOD, str(error))
        return self._book(event, parsed)

    def _book(self, event: StoredEvent, parsed: Parsed) -> bool:
        try:
            with self.database.write() as tx:
                self.database.lock(tx, self.organization.name)
                if not events.still_pending(tx, event.id):
                    return False
                if event.secret_place is None and not events.prove(tx, event, parsed.delivery_key):
                    return True
                desk = booking.Booking(tx, self.organization, event.provider, event.id, self.database.now(tx))
                verdict = booking.book_event(desk, parsed)
        except LedgerUnavailable:
            raise
        except Exception:
            # Our own mistake must not be met again and again: leave it to a person, and go on with the next.
            log.exception("booking_failed", organization=self.organization.name, event_row=event.id)
            return self._end(event, Verdict.NOT_UNDERSTOOD, "relay could not book it: see the log")
        log.info("event_completed", organization=self.organization.name, event_row=event.id, verdict=verdict)
        return True

    def _again(self, event: StoredEvent, error: FetchFailed) -> bool:
        """The next rung; after the last, or where asking again is useless, a person."""
        if not error.again or event.fetches >= len(LADDER):
            return self._end(event, Verdict.NOT_UNDERSTOOD, f"it could not be completed: {error}")
        with self.database.write() as tx:
            now: datetime = self.database.now(tx)
            events.postpone(tx, event.id, now + timedelta(seconds=LADDER[event.fetches]), str(error))
            if error.silent:
                soon = now + timedelta(seconds=LADDER[0])
                events.defer(tx, self.organization.name, event.provider, soon)
        log.info("event_postponed", organization=self.organization.name, event_row=event.id, why=str(error))
        return False

    def _end(self, event: StoredEvent, verdict: Verdict, note: str) -> bool:
        with self.database.write() as tx:
            self.database.lock(tx, self.organization.name)
            if events.still_pending(tx, event.id):
                events.judge(tx, event.id, verdict, note)
        return True
