"""One demo at a time in a directory, and whether the last one there was killed.

The operating system holds the lock and lets go of it however its holder ends; the file stays behind only after a kill.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from relay.demo.child import ServerError


class Lock:
    """The file `lock` in the directory of a demo."""

    def __init__(self, var: Path) -> None:
        self._file = var / "lock"
        self._held = -1

    def left_behind(self) -> bool:
        """Whether the last demo here was killed: its processes may need a moment to notice."""
        try:
            held = os.open(self._file, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(held)
        return True

    def take(self) -> None:
        """Hold it until `release`. Raises ServerError where another demo does."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(held)
            raise ServerError(f"relay is up already in {self._file.parent}; stop that one first.") from error
        self._held = held

    def release(self) -> None:
        """Let go, and leave no file behind. Harmless when it is not held."""
        if self._held >= 0:
            self._file.unlink(missing_ok=True)
            os.close(self._held)
            self._held = -1
