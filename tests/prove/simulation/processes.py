"""The processes of a relay: one web and some workers around relay's own parts, and the provider that calls the web."""

from __future__ import annotations

import functools
from typing import Any

from relay import jobs
from relay.bootstrap import Relay, build
from relay.config import Settings
from relay.errors import CouldNotStore, LedgerUnavailable
from relay.status import Verdict
from tests.prove.simulation.book import Book
from tests.prove.simulation.client import ModelClient
from tests.prove.simulation.ledger import Ledger
from tests.prove.simulation.luminate import ModelLuminate
from tests.prove.simulation.payments import Event
from tests.prove.simulation.redis import ModelRedis
from tests.prove.simulation.world import HOUR, Process, Violation, World

# How long after a job began its worker is told to stop (seconds).
_STOPPED_AFTER = (0.0, 0.1, 0.5, 2.0, 20.0)


class House:
    """Everything that runs, and how each part starts again after a crash."""

    def __init__(
        self, world: World, settings: Settings, ledger: Ledger, luminate: ModelLuminate, book: Book, workers: int
    ) -> None:
        self.world, self.settings, self.ledger = world, settings, ledger
        self.luminate, self.book = luminate, book
        self.redis = ModelRedis(world)
        self.web = Process("web", start=self._start_web)
        self.workers = [Process(f"worker{number}", start=self._start_worker) for number in range(1, workers + 1)]
        world.processes = [self.web, *self.workers]

    def start(self) -> None:
        for process in self.world.processes:
            assert process.start is not None
            process.start(process)

    def wire(self, process: Process) -> Relay:
        """The parts of one process, as relay's own bootstrap wires them."""
        relay = build(self.settings, redis=self.redis, database=self.ledger)
        relay.bell.queue = self.redis
        relay.worker = process.title
        relay.intake.clock = lambda: self.world.moment
        relay.stopping = lambda: process.stopping
        for organization in self.settings.organizations.values():
            site = self.luminate.sites[organization.name]
            relay._clients[organization.name] = ModelClient(self.luminate, site)
        process.relay = relay
        return relay

    def _start_web(self, process: Process) -> None:
        self.wire(process)

    def _start_worker(self, process: Process) -> None:
        relay = self.wire(process)
        self.world.spawn(f"{process.title} jobs", lambda: self._serve(process, relay), process)
        self.world.spawn(f"{process.title} sweep", lambda: self._sweep(process, relay), process)

    # --- a worker ---------------------------------------------------------------------------------------------

    def _serve(self, process: Process, relay: Relay) -> None:
        """What RQ's worker does: take a job off the list and call it. A job that fails is gone."""
        world = self.world
        while not process.stopping:
            world.wait(lambda: process.stopping or self.redis.has_job())
            if process.stopping or not self.redis.has_job():
                continue
            organization = self.redis.take()
            world.step("kill at the bell")
            jobs.use(relay)
            if world.strikes("stop a worker"):
                wait = world.faults.chance("stop a worker").choice(_STOPPED_AFTER)
                world.after(wait, functools.partial(self._stop, process, process.life))
            self._attempt(process, functools.partial(jobs.post_due, organization))
        # SIGTERM: the calls under way have ended; a platform starts it again.
        world.kill(process)

    @staticmethod
    def _stop(process: Process, life: int) -> None:
        """SIGTERM: while the job is on, or when it has returned."""
        process.stopping = process.stopping or process.life == life

    def _sweep(self, process: Process, relay: Relay) -> None:
        world, sweep = self.world, relay.sweep_for(process.title)
        while True:
            world.wait(lambda: self._may_sweep(process))
            process.swept = due = world.sweeps
            if self._attempt(process, sweep.run) is not None:
                world.swept, world.sweeper = due, process

    def _may_sweep(self, process: Process) -> bool:
        """Each worker asks once a second; those whom the lease would turn away are left out, but for some."""
        world, sweeper = self.world, self.world.sweeper
        if process.swept >= world.sweeps or world.swept >= world.sweeps:
            return False
        holds = sweeper is not None and sweeper.alive and sweeper.frozen_until <= world.now
        return not holds or sweeper is process or world.sweeps % 8 == 0

    def _attempt(self, process: Process, act: Any) -> Any:
        """An edge of the process: it logs and goes on. Only what a ledger that is away explains may come this far."""
        try:
            return act()
        except LedgerUnavailable as error:
            if not process.disturbed:
                raise
            self.world.log(f"{type(error).__name__} ended it: {error}")
            return None

    # --- the provider -----------------------------------------------------------------------------------------

    def announce(self, event: Event) -> None:
        """The provider sends an event until it hears a 2xx, perhaps more often, not always in order."""
        world = self.world
        delay = world.chance.uniform(0, 3)
        if world.strikes("webhook late"):
            delay += world.faults.chance("webhook late").choice((60.0, HOUR, 9 * HOUR))
        world.at(event.at + delay, lambda: self._send(event))
        if world.strikes("webhook twice"):
            again = world.faults.chance("webhook twice").choice((0.0, 1.0, 600.0, 9 * HOUR))
            world.at(event.at + delay + again, lambda: self._send(event))

    def _send(self, event: Event) -> None:
        world = self.world
        if event.sent and event.accepted:
            return
        if world.strikes("webhook lost") or not self.web.alive:
            self._send_later(event)
            return
        fiber = world.spawn(f"web {event.name} {event.payment.number}", lambda: self._receive(event), self.web)
        fiber.delivery = event
        # No 2xx in time: killed or frozen with it in hand, or refused with 503.
        world.after(30.0, lambda: None if event.accepted else self._send_later(event))

    def _send_later(self, event: Event) -> None:
        """Again, after a while that grows with every try."""
        event.sent += 1
        wait = self.world.chance.uniform(5, 20) * 2 ** min(event.sent, 8)
        self.world.after(wait, lambda: self._send(event))

    def _receive(self, event: Event) -> None:
        world, relay = self.world, self.web.relay
        delivery = event.delivery(world.now)
        try:
            taken = relay.intake.take(event.payment.organization, event.payment.provider, delivery)
        except CouldNotStore:
            return
        if taken.verdict in {Verdict.NOT_UNDERSTOOD, Verdict.PENDING}:
            raise Violation(f"{event.name} was not understood")
        self.answered(event)

    def answered(self, event: Event) -> None:
        """The 2xx leaves: from now on the provider sends no more."""
        self.world.step("kill after commit")
        event.accepted = True
