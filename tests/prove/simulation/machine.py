"""What relay's modules find in place of time, random and threads while a seed is played.

Everything else they use is their own. ``relay.outbound.posting`` holds several calls in flight with a pool of
threads; here each sender is a fiber of the same process, so that the seed decides which of them goes on.
"""

from __future__ import annotations

import sys
import time as real_time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, tzinfo
from random import Random
from typing import Any, Self
from unittest import mock

from tests.prove.simulation.fibers import Fiber
from tests.prove.simulation.world import World


class Time:
    """The module ``time``: one clock for all; a frozen process finds it later than it thought."""

    def __init__(self, world: World) -> None:
        self.world = world

    def monotonic(self) -> float:
        return self.world.now

    def clock_gettime(self, _clock: int) -> float:
        return self.world.now

    def sleep(self, seconds: float) -> None:
        self.world.sleep(seconds)


class Future:
    """A call under way."""

    def __init__(self, fiber: Fiber) -> None:
        self.fiber = fiber


class Senders:
    """The ThreadPoolExecutor of a posting run."""

    def __init__(self, world: World, _count: int) -> None:
        self.world = world
        self.futures: list[Future] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.world.wait(lambda: all(future.fiber.done for future in self.futures))

    def submit(self, act: Callable[[Any], None], claim: Any) -> Future:
        running = self.world.scheduler.current
        assert running is not None
        name = f"{running.process.title} call {claim.attempt}"
        fiber = self.world.spawn(name, lambda: act(claim), running.process)
        fiber.claim = claim
        self.futures.append(Future(fiber))
        return self.futures[-1]


def waiting(world: World) -> Callable[..., tuple[set[Future], set[Future]]]:
    """``concurrent.futures.wait``."""

    def wait(futures: set[Future], timeout: float, **_: object) -> tuple[set[Future], set[Future]]:
        world.wait(lambda: any(future.fiber.done for future in futures), until=world.now + timeout)
        done = {future for future in futures if future.fiber.done}
        return done, futures - done

    return wait


class Threading:
    """The module ``threading``, as far as relay needs it here: a thread is one more fiber of its process."""

    def __init__(self, world: World) -> None:
        self.world = world

    def Thread(self, *, target: Callable[[], None], name: str, daemon: bool) -> Thread:  # noqa: N802  # as there
        return Thread(self.world, target, name)

    def Timer(self, seconds: float, act: Callable[[], None]) -> Thread:  # noqa: N802  # as there
        def later() -> None:
            self.world.sleep(seconds)
            act()

        return Thread(self.world, later, "timer")

    def Lock(self) -> AbstractContextManager[None]:  # noqa: N802  # as there
        """Nothing gives way under relay's own locks, so they never wait."""
        return nullcontext()


class Thread:
    """One thread of the sweep's, or of the timer that writes down what was refused."""

    def __init__(self, world: World, target: Callable[[], None], name: str) -> None:
        self.world, self.target, self.name = world, target, name
        self.fiber: Fiber | None = None

    def start(self) -> None:
        running = self.world.scheduler.current
        assert running is not None
        self.fiber = self.world.spawn(f"{running.process.title} {self.name}", self.target, running.process)

    def join(self, timeout: float) -> None:
        self.world.wait(lambda: not self.is_alive(), until=self.world.now + timeout)

    def is_alive(self) -> bool:
        return self.fiber is not None and not self.fiber.done


def calendar(world: World) -> type[datetime]:
    """The class ``datetime``, with the clock of the seed."""

    class Calendar(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return world.moment.astimezone(tz)

    return Calendar


def _clocks() -> list[str]:
    """Modules of relay's that look at the clock of their own process."""
    ours = [(name, module) for name, module in sys.modules.items() if name.startswith("relay.")]
    return [f"{name}.time" for name, module in ours if getattr(module, "time", None) is real_time]


@contextmanager
def simulated(world: World) -> Iterator[None]:
    """For as long as a seed is played."""
    time = Time(world)
    names = dict.fromkeys(_clocks(), time) | {
        "relay.outbound.posting.ThreadPoolExecutor": lambda count: Senders(world, count),
        "relay.outbound.posting.wait": waiting(world),
        "relay.outbound.sweep.threading": Threading(world),
        "relay.ledger.refusals.threading": Threading(world),
        "relay.inbound.intake.datetime": calendar(world),
        "relay.outbound.settling.random": Random(f"{world.seed}:jitter"),
    }
    patches = [mock.patch(name, value) for name, value in names.items()]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()
