"""Retention: payloads are erased so many days after everything of their payment was settled, as an organization chose.

The worker that sweeps does it beside itself, once a day for each organization, in small transactions that never hold
the front door up for long. What is not settled is never touched, however old it is. What comes in of a donor who was
erased goes as soon as it is settled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import structlog

from relay.access import Actor, Permission, Through
from relay.config import Organization
from relay.errors import ErasingRefused, LedgerUnavailable
from relay.ledger import audit, claims, erasing
from relay.ledger.db import Database
from relay.ledger.erasing import Family
from relay.ledger.funds import with_funds
from relay.office.emptying import Emptied, empty, is_due, is_settled
from relay.status import Erased

log = structlog.get_logger(__name__)

# Payments and events of one transaction, and how long others are let in between two (seconds).
BATCH, BREATH = 5, 0.05
# How many are looked at together; a look holds nobody up.
LOOK = 100
# How often a worker asks whether it is time, and for how long it goes on (seconds).
EVERY_SECONDS, SLICE_SECONDS = 60.0, 20.0
DAY_SECONDS = 86_400.0


class Retention:
    """The use case behind ``flask retention`` and the thread beside the sweep."""

    def __init__(
        self, database: Database, organizations: Mapping[str, Organization], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Take the parts."""
        self.database, self.organizations, self.sleep = database, organizations, sleep
        self._next_run = 0.0
        self._runs = 0
        self._thread: threading.Thread | None = None

    # --- by itself --------------------------------------------------------------------------------------------------

    def beside(self, worker: str) -> None:
        """Start a run in a thread of its own, unless there was one this minute, or one is still going."""
        if time.monotonic() < self._next_run or (self._thread and self._thread.is_alive()):
            return
        self._next_run = time.monotonic() + EVERY_SECONDS
        self._thread = threading.Thread(target=self.run_due, args=(worker,), name="retention", daemon=True)
        self._thread.start()

    def run_due(self, worker: str) -> None:
        """Give every organization its turn of the day."""
        for organization in self.organizations.values():
            self._runs += 1
            try:
                self._turn(organization, f"{worker}:{self._runs}")
            except LedgerUnavailable as error:
                log.warning("retention_waits_for_ledger", organization=organization.name, why=str(error))
            except Exception:
                # An edge: what is amiss with one organization must not keep the payloads of the others.
                log.exception("retention_failed", organization=organization.name)

    def _turn(self, organization: Organization, holder: str) -> None:
        """One slice; the turn is over for a day once nothing was left."""
        name = f"retention:{organization.name}"
        with self.database.read() as tx:
            if claims.holder_of(tx, name, self.database.now(tx)):
                return
        with self.database.write() as tx:
            if not claims.take_lease(tx, name, holder, self.database.now(tx), seconds=2 * SLICE_SECONDS):
                return
        end = time.monotonic() + SLICE_SECONDS
        itself = Actor("relay", Through.RELAY, {organization.name: frozenset({Permission.MANAGE})})
        self.run(organization.name, actor=itself, until=end)
        with self.database.write() as tx:
            if time.monotonic() < end:
                claims.take_lease(tx, name, holder, self.database.now(tx), seconds=DAY_SECONDS)
            else:
                claims.drop_lease(tx, name, holder)

    # --- one organization -------------------------------------------------------------------------------------------

    def run(self, name: str, *, actor: Actor, until: float = float("inf"), dry: bool = False) -> Emptied:
        """Erase what is due, or with ``dry`` only count it; until then by this process's clock. A line of the audit."""
        actor.need(Permission.MANAGE, name)
        organization, done = self.organizations[name], Emptied()
        try:
            for batch, level in self._due(organization):
                if time.monotonic() > until:
                    break
                self._count(batch, done) if dry else self._empty(organization, batch, level, done)
            for numbers in self._idle(organization):
                if time.monotonic() > until:
                    break
                self._empty_idle(organization, numbers, done, dry=dry)
        finally:
            if done and not dry:
                self._write_down(organization, actor, done)
                erasing.settle_files(self.database)
        return done

    def _due(self, organization: Organization) -> Iterator[tuple[list[int], Erased]]:
        """Payments that are due, a few at a time."""
        with self.database.read() as tx:
            again = erasing.come_again(tx, organization.name)
            settled = [family.payment for family in erasing.families(tx, again) if is_settled(family)]
        yield from ((settled[start : start + BATCH], Erased.DONOR) for start in range(0, len(settled), BATCH))
        if organization.retention.payload_days:
            yield from ((batch, Erased.AGE) for batch in self._old(organization))

    def _old(self, organization: Organization) -> Iterator[list[int]]:
        after: tuple[datetime, int] | None = None
        while True:
            with self.database.read() as tx:
                before = self._before(organization, self.database.now(tx))
                rows = erasing.old_ones(tx, organization.name, before, after, LOOK)
                payments = list(dict.fromkeys(row[2] for row in rows))
                due = [one.payment for one in erasing.families(tx, payments) if is_due(one, before)]
            yield from (due[start : start + BATCH] for start in range(0, len(due), BATCH))
            if len(rows) < LOOK:
                return
            after = rows[-1][:2]

    def _idle(self, organization: Organization) -> Iterator[list[int]]:
        after = 0
        while organization.retention.payload_days:
            with self.database.read() as tx:
                before = self._before(organization, self.database.now(tx))
                numbers = erasing.idle_events(tx, organization.name, before, after, LOOK)
            if not numbers:
                return
            yield numbers
            after = numbers[-1]

    @staticmethod
    def _before(organization: Organization, now: datetime) -> datetime:
        return now - timedelta(days=organization.retention.payload_days)

    def _count(self, payments: list[int], done: Emptied) -> None:
        with self.database.read() as tx:
            for family in erasing.families(tx, payments):
                done.add(family)

    def _empty(self, organization: Organization, payments: list[int], level: Erased, done: Emptied) -> None:
        """One transaction; whatever has changed since the look is left alone."""
        emptied: list[Family] = []
        try:
            with self.database.write() as tx:
                self.database.lock(tx, organization.name)
                now, funds = self.database.now(tx), with_funds(tx, organization).funds
                before = self._before(organization, now)
                for family in erasing.families(tx, payments):
                    if is_settled(family) if level is Erased.DONOR else is_due(family, before):
                        empty(tx, family, level, funds, now)
                        emptied.append(family)
        except ErasingRefused as error:
            log.warning("retention_met_a_change", organization=organization.name, why=str(error))
            return
        for family in emptied:
            done.add(family)
        self.sleep(BREATH)

    def _empty_idle(self, organization: Organization, numbers: list[int], done: Emptied, *, dry: bool) -> None:
        if not dry:
            with self.database.write() as tx:
                self.database.lock(tx, organization.name)
                now = self.database.now(tx)
                still = erasing.idle_events(
                    tx, organization.name, self._before(organization, now), numbers[0] - 1, len(numbers)
                )
                numbers = [number for number in numbers if number in still]
                erasing.thoroughly(tx)
                erasing.empty_events(tx, numbers, now)
            self.sleep(BREATH)
        done.idle += len(numbers)

    def _write_down(self, organization: Organization, actor: Actor, done: Emptied) -> None:
        told = {"payments": done.payments, "events": done.events, "attempts": done.attempts, "idle_events": done.idle}
        about = {"organization": organization.name, "subject": "payloads"}
        with self.database.write() as tx:
            audit.record(tx, actor, "retention", **about, details=told)
        log.info("payloads_erased", organization=organization.name, **told)
