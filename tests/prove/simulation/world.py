"""One seed: its clock, chances, timers and faults, and what happened, in lines short enough to read."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.prove.simulation.fibers import Crashed, Fiber, Scheduler

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
# A seed that takes more steps than this does not come to rest.
MOST_STEPS = 60_000
MOVED = "commits that moved an entry"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class Violation(BaseException):
    """A promise is broken: the seed has failed. No ``except Exception`` of relay's may hide it."""


# Kinds of faults, and how often each may strike where it can. A seed picks some of them.
FAULTS: dict[str, float] = {
    "kill before commit": 0.01,
    "kill after commit": 0.02,
    "kill before the call": 0.02,
    "kill with the call in flight": 0.02,
    "kill after the answer": 0.02,
    "kill at the bell": 0.01,
    "kill the look-up": 0.02,
    "freeze": 0.01,
    "freeze with an outcome in hand": 0.03,
    "stop a worker": 0.02,
    "ledger away": 0.005,
    "commit unheard": 0.01,
    "redis away": 0.05,
    "flushall": 0.05,
    "webhook lost": 0.1,
    "webhook late": 0.2,
    "webhook twice": 0.2,
    "connection refused": 0.08,
    "connect timeout": 0.05,
    "reset before recording": 0.05,
    "reset after recording": 0.05,
    "read timeout, never recorded": 0.05,
    "read timeout, recorded": 0.05,
    "read timeout, recorded later": 0.05,
    "html, never recorded": 0.05,
    "html after recording": 0.05,
    "answer cut short": 0.05,
    "error 1, never recorded": 0.03,
    "error 1 after recording": 0.03,
    "answer of another gift": 0.04,
    "other amount": 0.03,
    "slow answer": 0.05,
    "asked to wait": 0.03,
    "login refused for a while": 0.02,
    "fields refused for a while": 0.02,
    "shown late": 0.3,
    "look-alike": 0.3,
    "look-up failed": 0.1,
    "look-up refused": 0.05,
    "a person acts": 0.3,
    "a person pauses": 0.03,
}


class Faults:
    """Decides which faults strike. Each kind has its own chances, so that leaving one out moves no other."""

    def __init__(self, seed: int, without: frozenset[str]) -> None:
        mood = Random(f"{seed}:mood")
        calm, share = mood.random() < 0.03, mood.choice((0.15, 0.4, 0.7, 1.0))
        self.without = without
        self.rates = {
            kind: rate * mood.choice((0.3, 1.0, 2.5)) if mood.random() < share and not calm else 0.0
            for kind, rate in FAULTS.items()
        }
        self._chances = {kind: Random(f"{seed}:{kind}") for kind in FAULTS}
        self.struck: Counter[str] = Counter()
        self.names: list[str] = []
        self.over = False

    def strikes(self, kind: str) -> bool:
        """Whether this fault strikes here and now; it then has a name by which a shrunk seed leaves it out."""
        rate = self.rates[kind]
        if self.over or not rate or self._chances[kind].random() >= rate:
            return False
        self.struck[kind] += 1
        name = f"{kind}#{self.struck[kind]}"
        if name in self.without:
            return False
        self.names.append(name)
        return True

    def chance(self, kind: str) -> Random:
        """More chances of this fault: how long, which of several."""
        return self._chances[kind]


@dataclass(eq=False)
class Process:
    """Something that can be killed or frozen whole: the web, a worker, a person's command."""

    name: str
    start: Callable[[Process], None] | None = None
    alive: bool = True
    stopping: bool = False
    frozen_until: float = 0.0
    life: int = 1
    relay: Any = None
    swept: int = -1
    # What happened in this life that may have cut a claim off from its report.
    disturbed: set[str] = field(default_factory=set)

    @property
    def title(self) -> str:
        return f"{self.name}.{self.life}"


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, *, without: frozenset[str] = frozenset()) -> None:
        self.seed = seed
        self.now = 0.0
        self.scheduler = Scheduler()
        self.chance = Random(f"{seed}:schedule")
        self.switching = Random(f"{seed}:switching").choice((0.2, 0.5, 0.9))
        self.faults = Faults(seed, without)
        self.processes: list[Process] = []
        self.steps = 0
        self.counts: Counter[str] = Counter()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = iter(range(1 << 60))
        self._history: list[tuple[float, str, str]] = []
        # Asked when nothing can run: what to wait for in the ledger, and whether something is overdue there.
        self.next_due: Callable[[], float | None] = lambda: None
        self.overdue: Callable[[], bool] = lambda: False
        # When what keeps overdue work from being done ends: a lease, the mark of a bell.
        self.next_release: Callable[[], float | None] = lambda: None
        # Sweeps due so far, the last one that was done, and what was moved until the one before.
        self.sweeps, self.swept, self.moved, self.was_overdue = 0, -1, -1, False
        self.left_out = False
        # How much was moved, and when that was last seen to change, or nothing was due.
        self.last_moved = (0, 0.0, 0)
        # Who has swept last, and so holds the lease.
        self.sweeper: Process | None = None
        # Lives of processes that were killed, frozen or cut off from the ledger.
        self.troubled: set[str] = set()

    # --- the clock --------------------------------------------------------------------------------------------

    @property
    def moment(self) -> datetime:
        return START + timedelta(seconds=round(self.now, 6))

    def seconds(self, moment: datetime) -> float:
        return (moment - START).total_seconds()

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Do this once the time has come."""
        heapq.heappush(self._timers, (when, next(self._numbers), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self.now + seconds, act)

    # --- what happened ----------------------------------------------------------------------------------------

    def log(self, what: str, about: str = "") -> None:
        self._history.append((self.now, about or self._who(), what))

    def _who(self) -> str:
        fiber = self.scheduler.current
        return fiber.name if fiber else "-"

    def history(self) -> Iterator[str]:
        for now, who, what in self._history:
            yield f"{(START + timedelta(seconds=now)):%d %H:%M:%S.%f}"[:-3] + f"  {who:<18} {what}"

    def strikes(self, kind: str) -> bool:
        struck = self.faults.strikes(kind)
        if struck:
            self.counts[kind] += 1
            self.log(f"FAULT {kind}")
        return struck

    # --- steps ------------------------------------------------------------------------------------------------

    def step(self, kill: str = "", *, freeze: bool = True) -> None:
        """A place where a part may be killed, frozen, or made to wait for others. Outside of fibers: nothing."""
        fiber = self.scheduler.current
        if fiber is None:
            return
        self.steps += 1
        process = fiber.process
        if process is not None:
            if not process.alive:
                raise Crashed
            if kill and self.strikes(kill):
                self.kill(process)
                raise Crashed
            if freeze:
                self._freeze(process, "freeze")
        if (process and process.frozen_until > self.now) or self.switching > self.chance.random():
            fiber.give_way()

    def stand_still(self, kind: str) -> None:
        """A place where a process may stand still, for as long as this takes."""
        fiber = self.scheduler.current
        if fiber is not None and fiber.process is not None:
            self._freeze(fiber.process, kind)
            if fiber.process.frozen_until > self.now:
                fiber.give_way()

    def _freeze(self, process: Process, kind: str) -> None:
        if process.frozen_until <= self.now and self.strikes(kind):
            process.frozen_until = self.now + self.faults.chance(kind).choice((20.0, 200.0, HOUR, HOUR))
            self.disturb("frozen")

    def wake(self, process: Process) -> None:
        """Whoever stands still wakes at the worst moment."""
        process.frozen_until = self.now
        self.log(f"{process.title} wakes")

    def sleep(self, seconds: float) -> None:
        """Wait inside a fiber."""
        fiber = self.scheduler.current
        if fiber is not None:
            fiber.give_way(ready=_never, until=self.now + seconds)

    def wait(self, ready: Callable[[], bool], until: float | None = None) -> None:
        fiber = self.scheduler.current
        assert fiber is not None
        fiber.give_way(ready=ready, until=until)

    def spawn(self, name: str, act: Callable[[], Any], process: Process | None = None) -> Fiber:
        return self.scheduler.spawn(name, act, process)

    def disturb(self, how: str) -> None:
        """Something happened to the process that runs: its claims may go unreported, its acts may fail."""
        fiber = self.scheduler.current
        if fiber is not None and fiber.process is not None:
            fiber.process.disturbed.add(how)
            self.troubled.add(fiber.process.title)

    def kill(self, process: Process) -> None:
        """``kill -9``. Its fibers end before anything else happens; it is started again later, with nothing in mind."""
        process.alive = False
        self.troubled.add(process.title)
        if process.start is not None:
            self.after(self.chance.uniform(0.2, 20.0), lambda: self.restart(process))

    def restart(self, process: Process) -> None:
        if process.alive or process.start is None:
            return
        process.alive, process.stopping, process.frozen_until, process.relay = True, False, 0.0, None
        process.disturbed, process.swept = set(), -1
        process.life += 1
        self.log(f"{process.name} is started again")
        process.start(process)

    @contextmanager
    def _reaping(self) -> Iterator[None]:
        yield
        for fiber in list(self.scheduler.fibers):
            if fiber.process is not None and not fiber.process.alive:
                self.scheduler.kill(fiber)

    def end_faults(self) -> None:
        """From now on nothing breaks; whatever is due has to be moved."""
        self.log("faults end", "-")
        self.faults.over, self.was_overdue = True, False

    # --- running ----------------------------------------------------------------------------------------------

    def run(self, until: float = float("inf")) -> None:
        """Run until nothing is left that happens by itself, or until a time. Raises Violation when it never rests."""
        while self.now < until:
            if self.steps > MOST_STEPS:
                raise Violation(f"it does not come to rest: {MOST_STEPS} steps")
            self._fire_timers()
            ready = [fiber for fiber in self.scheduler.fibers if self._can_run(fiber)]
            if ready:
                self.now += self.chance.choice((0.001, 0.001, 0.02, 0.2))
                with self._reaping():
                    self.scheduler.resume(ready[0] if len(ready) == 1 else self.chance.choice(ready))
            elif not self._wait_for_something(until):
                return

    def _can_run(self, fiber: Fiber) -> bool:
        process = fiber.process
        if process is not None and process.frozen_until > self.now:
            return False
        return (fiber.until is not None and fiber.until <= self.now) or fiber.ready()

    def _fire_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self.now:
            _, _, act = heapq.heappop(self._timers)
            with self._reaping():
                act()

    def _wait_for_something(self, until: float) -> bool:
        """Nothing can run: a sweep a second later while there is something new for it, else on to what comes next."""
        overdue, moved = self.overdue(), self.counts[MOVED]
        self._must_move(moved, overdue=overdue)
        newly, self.was_overdue = overdue and not self.was_overdue, overdue
        coming = self._next_moment(overdue=overdue)
        # Left out before, or failed: then once more before all is said to be at rest.
        once_more = coming is None and (self.left_out or (overdue and self.swept < self.sweeps))
        if newly or (overdue and moved != self.moved) or once_more:
            self.now += 1.0
        elif coming is None:
            return False
        else:
            self.now = min(coming + 0.001, until)
            # Workers sweep once a second; sweeps that are hardly going to find something are left out, but for some.
            if self.chance.random() > (0.4 if self.overdue() else 0.1):
                self.left_out = overdue
                return True
        self.sweeps, self.moved, self.left_out = self.sweeps + 1, moved, False
        return True

    def _must_move(self, moved: int, *, overdue: bool) -> None:
        """Once all faults are over, what is due does not stay due."""
        stands_still = any(process.frozen_until > self.now for process in self.processes)
        stays = overdue and self.was_overdue and moved == self.last_moved[0]
        if not stays or not self.faults.over or stands_still:
            self.last_moved = (moved, self.now, self.sweeps)
        _, when, sweeps = self.last_moved
        if self.now > when + HOUR and self.sweeps > sweeps + 20:
            raise Violation("something has been due for an hour, and nothing moves it")

    def _next_moment(self, *, overdue: bool) -> float | None:
        found = [self._timers[0][0]] if self._timers else []
        found += [fiber.until for fiber in self.scheduler.fibers if fiber.until is not None]
        found += [process.frozen_until for process in self.processes if process.frozen_until > self.now]
        asked = (self.next_due(), self.next_release() if overdue else None)
        later = [moment for moment in (*found, *asked) if moment is not None and moment > self.now]
        return min(later) if later else None


def _never() -> bool:
    return False
