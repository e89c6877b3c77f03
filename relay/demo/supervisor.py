"""The processes of the demo: started one after the other, watched, and stopped in the opposite order."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Protocol

from relay.demo.child import Child, ServerError, end_of

START_SECONDS = 60.0
# One that dies again within this time of its last start will not be helped by another.
HOPELESS_SECONDS = 10.0


class StopAsked(Exception):
    """Ctrl-C, SIGTERM or a closed terminal: nothing more is to be started or waited for."""


class Part(Protocol):
    """What can be started, watched and stopped: a Program, or a Valkey."""

    log: Path

    @property
    def pid(self) -> int | None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Program:
    """One Python module as a process of its own, with its log and a way to see that it is ready."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        directory: Path,
        ready: Callable[[int], bool],
    ) -> None:
        self.log = log
        self._command = [sys.executable, "-m", *arguments]
        self._ready = ready
        self._child = Child(
            f"The {name}", log=log, stop_signal=signal.SIGTERM, environment=environment, directory=directory
        )

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def start(self) -> None:
        """Return when it is ready. Raises ServerError with the end of its log."""
        self._child.start(self._command, lambda: self._ready(self.pid or 0), seconds=START_SECONDS)

    def stop(self) -> None:
        self._child.stop()


class Supervisor:
    """All parts of the demo, by the name a person calls them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.parts: dict[str, Part] = {}
        self._say = say
        self._stop = threading.Event()
        self._started: dict[str, float] = {}
        # Under `make`, which hands on SIGTERM and Ctrl-C but cannot hand on a kill.
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None

    def listen(self) -> None:
        """Let SIGINT, SIGTERM and SIGHUP ask for the end, also where a shell told us to ignore them."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def check(self) -> None:
        """Raise StopAsked once the end was asked for."""
        if self._stop.is_set() or (self._parent is not None and os.getppid() != self._parent):
            raise StopAsked

    def pause(self, seconds: float) -> None:
        """Sleep, but not through a request to stop."""
        self._stop.wait(seconds)
        self.check()

    def start(self, name: str, part: Part) -> None:
        """Start a part and keep it. Raises ServerError or StopAsked; then nothing of it is left running."""
        self.check()
        self.parts[name] = part
        self._started[name] = time.monotonic()
        part.start()

    def watch(self) -> None:
        """Until the end is asked for: notice a part that died, say so, and start it again once."""
        while True:
            self.pause(0.5)
            for name, part in self.parts.items():
                if part.pid is None:
                    self._revive(name, part)

    def _revive(self, name: str, part: Part) -> None:
        self.check()
        self._say(f"\nThe {name} ended by itself. {end_of(part.log)}")
        if time.monotonic() - self._started[name] < HOPELESS_SECONDS:
            raise ServerError(f"The {name} ended right after its start; relay stops.")
        self.start(name, part)
        self._say(f"The {name} was started again.")

    def stop(self) -> None:
        """End every part, the last started first. Harmless for those that do not run."""
        for part in reversed(self.parts.values()):
            part.stop()
