"""A program running under us: started quietly, stopped surely, never left behind.

The child has its own session, so Ctrl-C in a terminal reaches relay first and relay decides in which order things
stop. A watchdog of one line of shell holds the other end of a pipe: when this process goes away, however it goes,
the pipe closes and the child is told to stop. (Linux alone could use PDEATHSIG, which fires when the *thread* that
started the child ends, and which a change of user clears.)
"""

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.01
STOP_SECONDS = 10.0
TAIL_LINES = 15


class ServerError(RuntimeError):
    """A server could not be started. The text says why, and quotes the end of its log."""


class Child:
    """One program and its log. Can be started again after it ended; not for use by several threads at once.

    Without `environment` it gets what a server needs of ours, without `directory` it runs where its log is.
    """

    def __init__(
        self,
        name: str,
        *,
        log: Path,
        stop_signal: signal.Signals,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        self._environment = environment
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            return self._process.pid
        self._forget()
        return None

    def start(
        self, command: Sequence[str | Path], ready: Callable[[], bool], *, seconds: float, user: int | None = None
    ) -> None:
        """Return once `ready()` is true. Otherwise nothing is left running and ServerError quotes the log."""
        self._launch(command, user)
        try:
            self._await(ready, seconds)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask it to stop, insist after a while, and return when it is gone. Harmless when it is not running."""
        if self._process is not None and self.pid:
            self._process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it as `kill -9` does: nothing is saved, nothing is tidied up."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._forget()

    def _launch(self, command: Sequence[str | Path], user: int | None) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory or self.log.parent,
                env=plain_environment() if self._environment is None else self._environment,
                start_new_session=True,
                **demoted(user),
            )
        tell = f'read -r _ || kill -{self._stop_signal.value} "$0"'
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", tell, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _await(self, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.pid:
            if ready():
                return
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} was not ready after {seconds:g} s. {end_of(self.log)}")
            time.sleep(POLL_SECONDS)
        raise ServerError(f"{self.name} ended while starting. {end_of(self.log)}")

    def _forget(self) -> None:
        """Send the watchdog home: the process id it knows may soon belong to someone else."""
        watchdog, self._watchdog, self._process = self._watchdog, None, None
        if watchdog is not None:
            watchdog.kill()
            watchdog.communicate()


def end_of(log: Path) -> str:
    """The last lines of a log, for the text of an error."""
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()
        return f"The end of {log}:\n" + "\n".join(lines[-TAIL_LINES:])
    return f"There is no log at {log}."


def plain_environment() -> Mapping[str, str]:
    """What a server needs of our environment. A locale that is not installed would keep both servers from starting."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def demoted(user: int | None) -> dict[str, Any]:
    """Arguments for subprocess that give up root for `user`; none when `user` is None."""
    return {} if user is None else {"user": user, "group": pwd.getpwuid(user).pw_gid, "extra_groups": []}
