"""Fibers: parts that run one at a time and give way where they say so, so that a seed decides every interleaving.

relay's code is plain blocking code. To stop it between two statements without changing it, each part is a greenlet: it
has a stack of its own, and goes on only when the scheduler says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet


class Crashed(BaseException):
    """The process of this fiber was killed here. No ``except Exception`` may stop it."""


class Fiber:
    """One part at work. ``ready`` is asked by the scheduler while the fiber waits."""

    def __init__(self, scheduler: Scheduler, name: str, act: Callable[[], Any], process: Any = None) -> None:
        self.scheduler = scheduler
        self.name = name
        self.process = process
        self.act = act
        self.ready: Callable[[], bool] = always
        self.until: float | None = None
        self.task = greenlet(self.run)
        self.killed = False
        self.done = False
        self.failure: BaseException | None = None
        # What the fiber is about, for the model: the claim it sends, the webhook it takes.
        self.claim: Any = None
        self.delivery: Any = None

    def give_way(self, ready: Callable[[], bool] | None = None, until: float | None = None) -> None:
        """Let others run until ``ready`` holds or the time ``until`` has come. Raises Crashed when killed meanwhile."""
        self.ready, self.until = ready or always, until
        self.scheduler.main.switch()
        if self.killed:
            raise Crashed

    def run(self) -> None:
        try:
            if not self.killed:
                self.act()
        except Crashed:
            pass
        except BaseException as error:  # noqa: BLE001  # whatever ends a fiber is told to the scheduler
            self.failure = error
        self.done = True


def always() -> bool:
    return True


class Scheduler:
    """Runs one fiber at a time. Which one is the caller's choice."""

    def __init__(self) -> None:
        self.fibers: list[Fiber] = []
        self.main = getcurrent()
        self.current: Fiber | None = None

    def spawn(self, name: str, act: Callable[[], Any], process: Any = None) -> Fiber:
        fiber = Fiber(self, name, act, process)
        self.fibers.append(fiber)
        return fiber

    def resume(self, fiber: Fiber) -> None:
        """Let the fiber run until it gives way or ends. An error it ends with is raised here."""
        self.current = fiber
        self.main = getcurrent()
        fiber.task.switch()
        self.current = None
        if fiber.done:
            self.fibers.remove(fiber)
            if fiber.failure is not None:
                raise fiber.failure

    def kill(self, fiber: Fiber) -> None:
        """End a fiber where it stands, as ``kill -9`` would: only what was committed stays."""
        fiber.killed = True
        while not fiber.done:
            self.resume(fiber)

    def kill_all(self) -> None:
        for fiber in list(self.fibers):
            self.kill(fiber)
