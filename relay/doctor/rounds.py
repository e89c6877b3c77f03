"""The rounds of the doctor: who asked for a check gets it, changed credentials are checked at once, all are in time.

The worker that sweeps goes round, beside the sweep and never inside a job: a Luminate that hangs keeps no gift waiting,
and a Redis that is away keeps no check from being made. One check of an organization at a time, by a lease. Nothing is
posted, sent or changed over there.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from datetime import datetime, timedelta

import structlog

from relay.doctor import credentials
from relay.doctor.checks import Check, Level, worst
from relay.doctor.examination import Patient
from relay.doctor.parts import Part, parts, scopes
from relay.ledger import claims, connections
from relay.ledger.connections import Known
from relay.luminate.outcomes import COMMON_CODES
from relay.status import Outcome

log = structlog.get_logger(__name__)

# Each connection is looked at this often by itself; what is broken more often, so that its badge heals.
EVERY, BROKEN_EVERY = timedelta(hours=6), timedelta(minutes=15)
# So long after a check nobody gets another one, however often they ask.
REST = timedelta(minutes=1)
# How often to look whether something has changed or grown old (seconds).
NOTICE_SECONDS = 30.0
# A check whose worker has died is taken up by another after this (seconds); it is renewed at a third of it.
LEASE_SECONDS = 30.0
# Organizations looked at side by side.
AT_ONCE = 4
BY_ITSELF = "relay"
# A pause for one of these may be over with other credentials, or once somebody has mended something over there.
NOT_LET_IN = frozenset(reason for outcome, reason, _ in COMMON_CODES.values() if outcome is Outcome.BLOCKED)


def lease_of(scope: str) -> str:
    """Under which name a check of it is under way."""
    return f"checking:{scope}"


class Rounds:
    """The checks of every connection, carried out in the process of a worker."""

    def __init__(self, patient: Patient, *, worker: str) -> None:
        """Take the parts; ``worker`` names this process in the leases."""
        self.patient, self.database, self.worker = patient, patient.database, worker
        self._next_notice = self._next_renewal = 0.0
        self._running: dict[str, threading.Thread] = {}

    def beside(self) -> None:
        """Start what is asked for, each in a thread of its own. Called about once a second."""
        self._keep()
        if time.monotonic() >= self._next_notice:
            self._next_notice = time.monotonic() + NOTICE_SECONDS
            self.notice()
        with self.database.read() as tx:
            asked = connections.waiting(tx)
        for scope in asked:
            if scope in scopes(self.patient) and scope not in self._running and len(self._running) < AT_ONCE:
                thread = threading.Thread(target=self._safely, args=(scope,), name=f"check:{scope}", daemon=True)
                self._running[scope] = thread
                thread.start()

    def _keep(self) -> None:
        """Forget the threads that ended, and keep the leases of those that go on."""
        self._running = {scope: thread for scope, thread in self._running.items() if thread.is_alive()}
        if self._running and time.monotonic() >= self._next_renewal:
            self._next_renewal = time.monotonic() + LEASE_SECONDS / 3
            for scope in self._running:
                self._lease(scope)

    def _lease(self, scope: str) -> bool:
        with self.database.write() as tx:
            now = self.database.now(tx)
            return claims.take_lease(tx, lease_of(scope), self.worker, now, seconds=LEASE_SECONDS)

    # --- noticing ---------------------------------------------------------------------------------------------------

    def notice(self) -> None:
        """Ask for the checks that changed credentials need, or time does."""
        everything = scopes(self.patient)
        with self.database.read() as tx:
            known, now = connections.known(tx, everything), self.database.now(tx)
        for scope in everything:
            mine = parts(self.patient, scope)
            fresh = [part for part in mine if _is_new(part, known.get((scope, part.endpoint)))]
            if fresh:
                self._meet(scope, fresh)
            elif any(part.look and _is_due(known[scope, part.endpoint], now) for part in mine):
                with self.database.write() as tx:
                    connections.ask(tx, scope, BY_ITSELF, now, rest=REST)

    def _meet(self, scope: str, fresh: list[Part]) -> None:
        """Other credentials than before: what the old ones proved is forgotten, and these are checked at once."""
        with self.database.write() as tx:
            now = self.database.now(tx)
            for part in fresh:
                connections.meet(tx, scope, part.endpoint, part.fingerprint, now)
            if any(part.look for part in fresh):
                connections.ask(tx, scope, BY_ITSELF, now, rest=timedelta())
            if any(part.endpoint == credentials.LUMINATE for part in fresh):
                connections.hurry(tx, scope, now, NOT_LET_IN)
        for part in fresh:
            log.info("credentials_met", organization=scope, endpoint=part.endpoint)

    # --- looking ----------------------------------------------------------------------------------------------------

    def _safely(self, scope: str) -> None:
        try:
            self.carry_out(scope)
        except Exception:
            # An edge: nobody asks this thread how it ended.
            log.exception("check_failed", organization=scope)

    def carry_out(self, scope: str) -> None:
        """Look at every connection of it, unless another worker is at it."""
        if not self._lease(scope):
            return
        with self.database.write() as tx:
            connections.begin(tx, scope, self.database.now(tx))
        try:
            for part in parts(self.patient, scope):
                if part.look:
                    self._look(part, list(part.look()))
        finally:  # whatever broke: it rests before it is tried again
            with self.database.write() as tx:
                connections.end(tx, scope, self.database.now(tx))
                claims.drop_lease(tx, lease_of(scope), self.worker)

    def _look(self, part: Part, checks: list[Check]) -> None:
        level, place = worst(checks), (part.organization, part.endpoint)
        told = [asdict(check) for check in checks]
        with self.database.write() as tx:
            now, works = self.database.now(tx), level is not Level.FAILED
            counts = connections.write(tx, place, part.fingerprint, told, now, works=works)
        log.info("connection_checked", organization=place[0], endpoint=place[1], found=str(level), counts=counts)


def _is_new(part: Part, known: Known | None) -> bool:
    return known is None or known.fingerprint != part.fingerprint


def _is_due(known: Known, now: datetime) -> bool:
    if known.checked_at is None:
        return True
    is_broken = any(check["level"] == Level.FAILED for check in known.checks)
    return now - known.checked_at >= (BROKEN_EVERY if is_broken else EVERY)
