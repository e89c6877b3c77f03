"""A real Valkey and a real PostgreSQL from Python wheels, for `make run` and the tests. Never for production.

    with Valkey(directory) as valkey, Postgres(directory, fast=True) as postgres:
        Redis.from_url(valkey.url); create_engine(postgres.url)

Both listen on a Unix socket only, so they need no port, and several run side by side in their own directories. They
print nothing: what they say is in a log in their directory, and a failed start quotes its end. `stop()` and `kill()`
keep the data for the next `start()`. Why wheels: docs/adr/0002-embedded-servers-from-wheels.md.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from relay.demo import ordinary_user, programs
from relay.demo.child import Child, ServerError, demoted, end_of, plain_environment

__all__ = ["Postgres", "ServerError", "Valkey"]

START_SECONDS = 30.0
LEAVE_SECONDS = 2.0
SOCKET_PATH_BYTES = 100  # Linux takes 107, macOS 103

# Nothing is written twice or waited for on disk. A killed server still loses nothing; a killed machine may.
FAST = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}


class Valkey:
    """One Valkey (or Redis) in `directory`. `persistent` keeps its keys over a restart, in an append-only file."""

    def __init__(self, directory: Path, *, persistent: bool = False, log: Path | None = None) -> None:
        self.directory = directory.absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = log.absolute() if log else self.directory / "valkey.log"
        self._persistent = persistent
        self._sockets = ShortDirectory(self.directory, "valkey.sock")
        self._child = Child("Valkey", log=self.log, stop_signal=signal.SIGTERM)

    @property
    def url(self) -> str:
        """For `Redis.from_url`; only while it runs."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._child.pid

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start(self) -> None:
        """Return when it answers. Harmless when it runs already."""
        if self.running:
            return
        self._sockets.open()
        self._refuse_a_second()
        self._child.start(self._command(), self._ready, seconds=START_SECONDS)

    def stop(self) -> None:
        """End it in good order. Harmless when it does not run."""
        self._child.stop()
        self._sockets.close()

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._child.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def _socket(self) -> Path:
        return self._sockets.path / "valkey.sock"

    def _refuse_a_second(self) -> None:
        """Two in one directory would spoil each other's files. One whose owner just died is given time to leave."""
        deadline = time.monotonic() + LEAVE_SECONDS
        while self._ready():
            if time.monotonic() > deadline:
                raise ServerError(f"Another Valkey already runs in {self.directory}.")
            time.sleep(0.05)

    def _command(self) -> list[str | Path]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "save": "",
            "appendonly": "yes" if self._persistent else "no",
            "maxmemory-policy": "noeviction",
            "databases": "16",
            "daemonize": "no",
        }
        return [programs.valkey(), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Postgres:
    """One PostgreSQL with its cluster in `directory`, made at the first start. `fast` trades safety of disk for speed.

    PostgreSQL refuses to run as root. Started by root it runs as an ordinary user of this machine, in a temporary
    directory of its own when that user cannot reach `directory`; `close()` removes that.
    """

    def __init__(self, directory: Path, *, fast: bool = False) -> None:
        self._user = ordinary_user.choose()
        self._fast = fast
        self._borrowed: list[Path] = []
        self._programs: Path | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = self._reachable(directory.absolute())
        self.log = self.directory / "postgres.log"
        self._data = self.directory / "data"
        self._sockets = ShortDirectory(self.directory, ".s.PGSQL.5432.lock", user=self._user)
        self._child = Child("PostgreSQL", log=self.log, stop_signal=signal.SIGINT)

    @property
    def url(self) -> str:
        """The maintenance database, for SQLAlchemy with psycopg 3; only while it runs."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Another database of this server, whether it exists or not."""
        return f"postgresql+psycopg://postgres@/{quote(database)}?host={quote(str(self._sockets.path))}"

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._child.pid

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start(self) -> None:
        """Return when it takes connections. Harmless when it runs already."""
        if self.running:
            return
        self._sockets.open()
        if self._programs is None:
            self._programs = self._runnable(programs.postgres())
        if not (self._data / "PG_VERSION").exists():
            self._make_cluster(self._programs / "initdb")
        self._start_when_free([self._programs / "postgres", "-D", self._data, *self._options()])

    def stop(self) -> None:
        """End it in good order, closing its connections. Harmless when it does not run."""
        self._child.stop()
        self._sockets.close()

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._child.kill()

    def close(self) -> None:
        """Stop it and remove what it keeps outside the directory it was given. It cannot be started again."""
        self.stop()
        for directory in self._borrowed:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(self._sockets.path),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(FAST if self._fast else {}),
        }
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _start_when_free(self, command: Sequence[str | Path]) -> None:
        """After a kill the last backends hold the shared memory for a moment; then the next start succeeds."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self._child.start(command, self._ready, seconds=START_SECONDS, user=self._user)
            except ServerError as error:
                busy = "shared memory block" in str(error) or "lock file" in str(error)
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _make_cluster(self, initdb: Path) -> None:
        """All of it or nothing: a half made cluster would never start."""
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        with self.log.open("ab") as log:
            done = subprocess.run(
                [initdb, "-D", self._data, *options, *(["--no-sync"] if self._fast else [])],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=plain_environment(),
                **demoted(self._user),
            )
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise ServerError(f"initdb could not make a database cluster. {end_of(self.log)}")

    def _runnable(self, folder: Path) -> Path:
        """The folder of `postgres` and `initdb`, or a copy where the ordinary user cannot reach it."""
        if self._user is None or ordinary_user.can_reach(folder / "postgres", self._user):
            return folder
        place = self._borrow("relay-pgbin-")
        copied = programs.copy_postgres(folder, place)
        ordinary_user.give(place, self._user)
        return copied

    def _reachable(self, directory: Path) -> Path:
        if self._user is None:
            return directory
        if not ordinary_user.can_reach(directory.parent, self._user):
            return self._borrow("relay-pg-")
        os.chown(directory, self._user, -1)
        return directory

    def _borrow(self, prefix: str) -> Path:
        """A directory outside ours that the ordinary user owns and nobody else may look into."""
        place = ordinary_user.open_directory(self._user)
        self._borrowed.append(ordinary_user.own_directory(prefix, place, self._user))
        return self._borrowed[-1]


class ShortDirectory:
    """Where a socket goes: `preferred`, or a directory with a short name where the path would be too long."""

    def __init__(self, preferred: Path, socket_name: str, *, user: int | None = None) -> None:
        self._preferred = preferred
        self._user = user
        self._fits = len(os.fsencode(preferred / socket_name)) <= SOCKET_PATH_BYTES
        self._short: Path | None = None

    @property
    def path(self) -> Path:
        return self._short or self._preferred

    def open(self) -> None:
        """Make the short directory where one is needed. Harmless when it is open."""
        if self._fits or self._short:
            return
        self._short = ordinary_user.own_directory("relay-", Path("/tmp"), self._user)  # noqa: S108 - made by mkdtemp

    def close(self) -> None:
        if self._short:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None
