"""Fibers: parts that run one at a time and give way where they say so, so that a seed decides every interleaving.

relay's code is plain blocking code. To stop it between two statements without changing it, each part has a thread of
its own; a baton makes sure that only one of them, or the scheduler, ever runs. Threads are kept for the next seed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Crashed(BaseException):
    """The process of this fiber was killed here. No ``except Exception`` may stop it."""


class Baton:
    """A lock that starts taken: ``wait`` blocks until somebody else says ``go``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self) -> None:
        self._lock.acquire()

    def go(self) -> None:
        self._lock.release()


class Fiber:
    """One part at work. ``ready`` is asked by the scheduler while the fiber waits."""

    def __init__(self, scheduler: Scheduler, name: str, act: Callable[[], Any], process: Any = None) -> None:
        self.scheduler = scheduler
        self.name = name
        self.process = process
        self.act = act
        self.ready: Callable[[], bool] = always
        self.until: float | None = None
        self.baton = Baton()
        self.killed = False
        self.done = False
        self.failure: BaseException | None = None
        # What the fiber is about, for the model: the claim it sends, the webhook it takes.
        self.claim: Any = None
        self.delivery: Any = None

    def give_way(self, ready: Callable[[], bool] | None = None, until: float | None = None) -> None:
        """Let others run until ``ready`` holds or the time ``until`` has come. Raises Crashed when killed meanwhile."""
        self.ready, self.until = ready or always, until
        self.scheduler.baton.go()
        self.baton.wait()
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
        self.baton = Baton()
        self.fibers: list[Fiber] = []
        self.current: Fiber | None = None

    def spawn(self, name: str, act: Callable[[], Any], process: Any = None) -> Fiber:
        fiber = Fiber(self, name, act, process)
        self.fibers.append(fiber)
        _threads.start(fiber)
        return fiber

    def resume(self, fiber: Fiber) -> None:
        """Let the fiber run until it gives way or ends. An error it ends with is raised here."""
        self.current = fiber
        fiber.baton.go()
        self.baton.wait()
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


class _Threads:
    """Threads that outlive their fiber: starting one costs more than a seed's step."""

    def __init__(self) -> None:
        self._idle: list[_Thread] = []

    def start(self, fiber: Fiber) -> None:
        thread = self._idle.pop() if self._idle else _Thread(self._idle)
        thread.take(fiber)


class _Thread:
    def __init__(self, idle: list[_Thread]) -> None:
        self._idle = idle
        self._work = Baton()
        self._fiber: Fiber | None = None
        threading.Thread(target=self._serve, name="fiber", daemon=True).start()

    def take(self, fiber: Fiber) -> None:
        self._fiber = fiber
        self._work.go()

    def _serve(self) -> None:
        while True:
            self._work.wait()
            fiber = self._fiber
            if fiber is None:
                return
            fiber.baton.wait()
            fiber.run()
            self._fiber = None
            self._idle.append(self)
            fiber.scheduler.baton.go()


_threads = _Threads()
