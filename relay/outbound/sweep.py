"""The sweep: what makes Redis disposable. It looks in the ledger for what is due or stuck, and rings again.

It runs inside the workers, one at a time by a lease row, about once a second; each step is one small query when
there is nothing to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from relay import clock
from relay.config import Organization
from relay.errors import TransportError
from relay.inbound import refunding
from relay.ledger import claims, connections, entries, events, pauses, plans, search
from relay.ledger.db import Database
from relay.ledger.pauses import Pause
from relay.ledger.payments import Source
from relay.luminate.client import LuminateClient
from relay.luminate.replies import read_reply
from relay.outbound.watching import ASKED_TO_WAIT, Watch, retry_after
from relay.queue import Bell

log = structlog.get_logger(__name__)

LEASE_SECONDS = connections.SWEEP_LEASE_SECONDS
# How long a sweep waits for the checks of paused organizations; what takes longer goes on beside it (seconds).
CHECK_PATIENCE = 1.0


@dataclass(slots=True)
class Swept:
    """What one sweep found."""

    rung: list[str] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)


class Sweep:
    """The use case behind ``flask sweep`` and the thread in every worker."""

    def __init__(
        self,
        database: Database,
        organizations: Mapping[str, Organization],
        bell: Bell,
        client_for: Callable[[Organization], LuminateClient],
        *,
        worker: str,
    ) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations
        self.bell = bell
        self.client_for = client_for
        self.worker = worker
        self._renew_at = 0.0
        self._checking: dict[str, threading.Thread] = {}

    def run(self) -> Swept | None:
        """Sweep once; None while another worker holds the lease."""
        if not self._lease():
            return None
        swept = Swept()
        self._expire(swept)
        self._release(swept)
        self._check_pauses(swept)
        self._ring(swept)
        return swept

    def _lease(self) -> bool:
        """Hold the sweep's lease, renewed at half time; where another holds it, only read."""
        if clock.seconds() < self._renew_at:
            return True
        with self.database.read() as tx:
            if claims.holder_of(tx, "sweep", self.database.now(tx)) not in {None, self.worker}:
                return False
        with self.database.write() as tx:
            held = claims.take_lease(tx, "sweep", self.worker, self.database.now(tx), seconds=LEASE_SECONDS)
        self._renew_at = clock.seconds() + LEASE_SECONDS / 2 if held else 0.0
        return held

    def _expire(self, swept: Swept) -> None:
        with self.database.read() as tx:
            if not claims.any_expired(tx, self.database.now(tx)):
                return
        with self.database.write() as tx:
            swept.expired = claims.expire(tx, self.database.now(tx), probe_after=self._probe_after)
        for entry in swept.expired:
            log.error("lease_expired", entry=entry)
        self._watch_lost(swept.expired)

    def _watch_lost(self, lost: Collection[int]) -> None:
        """A worker that dies in every call makes an unknown of each gift: that opens the circuit, too."""
        with self.database.read() as tx:
            names = {entry.organization for number in lost if (entry := entries.get(tx, number))}
        for name in sorted(names & self.organizations.keys()):
            with self.database.write() as tx:
                self.database.lock(tx, name)
                Watch(tx, self.organizations[name], self.database.now(tx)).lost()

    @property
    def _probe_after(self) -> float:
        """The first rung of the shortest ladder: looking early costs one read."""
        return min((organization.probe.ladder[0] for organization in self.organizations.values()), default=120)

    def _release(self, swept: Swept) -> None:
        """Refunds whose gift is posted or closed, and that a crash kept waiting."""
        with self.database.read() as tx:
            gifts = search.gifts_with_waiting_refunds(tx)
        for gift_id, name in gifts:
            if organization := self.organizations.get(name):
                swept.released += self._release_one(gift_id, organization)

    def _release_one(self, gift_id: int, organization: Organization) -> list[int]:
        with self.database.write() as tx:
            self.database.lock(tx, organization.name)
            gift = entries.get(tx, gift_id)
            if gift is None:
                return []
            source = Source(gift.organization, gift.provider)
            desk = refunding.Desk(tx, organization, source, self.database.now(tx))
            return refunding.release(desk, gift)

    def _check_pauses(self, swept: Swept) -> None:
        with self.database.read() as tx:
            paused, now = pauses.all_paused(tx), self.database.now(tx)
        for name, pause in paused.items():
            organization = self.organizations.get(name)
            if organization and pause.check_at and pause.check_at <= now and name not in self._checking:
                self._start_check(organization, pause, now, swept)
        patience = time.monotonic() + CHECK_PATIENCE
        for name, thread in list(self._checking.items()):
            thread.join(max(0.0, patience - time.monotonic()))
            if not thread.is_alive():
                del self._checking[name]

    def _start_check(self, organization: Organization, pause: Pause, now: datetime, swept: Swept) -> None:
        """Beside the sweep: the site of one organization may hang, and the others must not wait for it."""

        def check() -> None:
            try:
                works, wait = self._asked(organization, now)
            except Exception:
                # An edge: what nobody expected is no proof that it works, and is tried later like any other failure.
                log.exception("check_failed", organization=organization.name)
                works, wait = False, 0
            try:
                if self._checked(organization, pause, now, works=works, wait=wait):
                    swept.resumed.append(organization.name)
            except Exception:
                # An edge: nobody asks this thread how it ended; the next sweep starts another.
                log.exception("check_not_noted", organization=organization.name)

        thread = threading.Thread(target=check, name=f"check:{organization.name}", daemon=True)
        self._checking[organization.name] = thread
        thread.start()

    def _checked(self, organization: Organization, pause: Pause, now: datetime, *, works: bool, wait: int) -> bool:
        """Bring what the check said into the ledger: the pause is over, or checked again later."""
        with self.database.write() as tx:
            self.database.lock(tx, organization.name)
            if pauses.of(tx, organization.name) != pause:
                return False  # a person resumed or paused it meanwhile
            if works:
                pauses.end(tx, organization.name)
            else:
                ladder = organization.pace.check_ladder
                wait = max(wait, ladder[min(pause.checks + 1, len(ladder) - 1)])
                pauses.postpone(tx, organization.name, now + timedelta(seconds=wait))
        log.info("pause_checked", organization=organization.name, works=works)
        return works

    def _asked(self, organization: Organization, now: datetime) -> tuple[bool, int]:
        """One harmless read (isEmailValid): it proves key, address and credentials without touching data.

        Gives back whether it works, and how long Luminate asked to wait (seconds).
        """
        try:
            answer = self.client_for(organization).is_email_valid()
        except TransportError:
            return False, 0
        return read_reply(answer).root == "isEmailValidResponse", retry_after(answer, now) or 0

    def _ring(self, swept: Swept) -> None:
        with self.database.read() as tx:
            now, paused = self.database.now(tx), pauses.all_paused(tx)
            to_send = set(claims.due_organizations(tx, now)) - set(paused)
            # Whoever asked to wait is not read either.
            waiting = {name for name, pause in paused.items() if pause.reason == ASKED_TO_WAIT}
            to_ask = {*claims.organizations_to_probe(tx, now)} - waiting
            to_ask |= {*events.organizations_pending(tx, now)} | plans.organizations_running(tx)
        for name in sorted(to_send | to_ask):
            if name in self.organizations and self.bell.ring(name):
                swept.rung.append(name)
