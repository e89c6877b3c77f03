"""Fetching: events that only name an object, or whose proof must be fetched, are completed by a worker.

The front door stored them as ``pending``; here the provider's API is asked (reads only, so again and again on a
ladder), and what it says is booked exactly like any other event. After the last rung a person must look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from relay import booking, reading
from relay.config import Organization
from relay.errors import BadSignature, FetchFailed, NotUnderstood, WrongMode
from relay.ledger import events
from relay.ledger.db import Database
from relay.ledger.events import StoredEvent
from relay.providers import Delivery, Parsed, Provider
from relay.providers.calling import Caller
from relay.status import Verdict

log = structlog.get_logger(__name__)

# Waits before each further try (seconds).
LADDER = (10, 60, 300, 1800, 7200, 21600, 86400)
AT_ONCE = 50


class Fetching:
    """The pending events of one organization."""

    def __init__(
        self,
        database: Database,
        organization: Organization,
        providers: Mapping[str, Provider],
        caller: Caller,
        *,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the parts."""
        self.database = database
        self.organization = organization
        self.providers = providers
        self.caller = caller
        self.stopping = stopping

    def run(self) -> int:
        """Complete what is due; gives back how many events were."""
        with self.database.read() as tx:
            due = events.pending(tx, self.organization.name, self.database.now(tx), limit=AT_ONCE)
        done = 0
        for event in due:
            if self.stopping():
                break
            done += self._complete(event)
        return done

    def _complete(self, event: StoredEvent) -> bool:
        provider = self.providers.get(event.provider)
        settings = self.organization.providers.get(event.provider)
        if provider is None or provider.fetch is None or settings is None:
            return self._end(event, Verdict.NOT_UNDERSTOOD, "its provider is not configured any more")
        try:
            delivery = Delivery(event.body, event.headers)
            parsed = provider.fetch(delivery, settings, self.caller, event.received_at)
            reading.check_mode(self.organization, parsed)
        except FetchFailed as error:
            return self._again(event, error)
        except (BadSignature, WrongMode) as error:
            log.warning("pending_event_refused", event_row=event.id, why=str(error))
            return self._end(event, Verdict.FLAGGED, f"not used: {error}")
        except NotUnderstood as error:
            return self._end(event, Verdict.NOT_UNDERSTOOD, str(error))
        return self._book(event, parsed)

    def _book(self, event: StoredEvent, parsed: Parsed) -> bool:
        with self.database.write() as tx:
            self.database.lock(tx, self.organization.name)
            if not events.still_pending(tx, event.id):
                return False
            desk = booking.Booking(tx, self.organization, event.provider, event.id, self.database.now(tx))
            booking.book_event(desk, parsed)
        return True

    def _again(self, event: StoredEvent, error: FetchFailed) -> bool:
        """The next rung; after the last, or where asking again is useless, a person."""
        if not error.again or event.fetches >= len(LADDER):
            return self._end(event, Verdict.NOT_UNDERSTOOD, f"it could not be completed: {error}")
        with self.database.write() as tx:
            at: datetime = self.database.now(tx) + timedelta(seconds=LADDER[event.fetches])
            events.postpone(tx, event.id, at, str(error))
        return False

    def _end(self, event: StoredEvent, verdict: Verdict, note: str) -> bool:
        with self.database.write() as tx:
            events.judge(tx, event.id, verdict, note)
        return True
