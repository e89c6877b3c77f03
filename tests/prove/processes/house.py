"""The house under proof: gunicorn, workers, a ledger, Redis and the sandbox, all real, with a proxy that misbehaves.

Waits are set small, their order kept: read timeout 1 s, lease 5 s, look-ups after 1, 2, 3 s and on, absence
proven 2 s after the call.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from relay.alerting import Alerting
from relay.alerting.sending import Sender
from relay.config import load_settings
from relay.demo.servers import Postgres, Valkey
from relay.errors import LedgerUnavailable
from relay.ledger.db import Database
from relay.ledger.models import attempts
from tests.support.fault_proxy import FaultProxy
from tests.support.processes import ORGANIZATION, ROOT, Processes, wait_until
from tests.support.receivers import Mailbox

LOGIN = {"password": "demo-api-password", "rights": ["add", "refund", "read"]}
SMALL = {
    "LUMINATE_READ_TIMEOUT": "1",
    "LUMINATE_CONNECT_TIMEOUT": "1",
    "RELAY_SETTLE_SECONDS": "0.2",
    "RELAY_MAX_IN_FLIGHT": "16",
    "RELAY_PROBE_LADDER": "1 2 3 4 5 6 8 10 13 16 20 25 30 40 50 60",
    "RELAY_PROBE_SETTLE_SECONDS": "2",
    "RELAY_CHECK_LADDER": "1 2",
    "RELAY_RETRY_LADDER": "1 1 1 1 1 1 2 2 2 2 2 2 2 2 2 2 2 2 2 2",
    "WEB_CONCURRENCY": "2",
}
POSTGRESQL, SQLITE = "postgresql", "sqlite"
# What may stand in the way for a moment while a database is killed under us.
AWAY = (LedgerUnavailable, DBAPIError)


class House:
    """Everything, on free ports, under one folder. ``kind`` is that of the ledger; ``ledger`` is where SQLite lies."""

    def __init__(self, folder: Path, kind: str = POSTGRESQL, *, ledger: Path | None = None, **variables: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.kind = folder, kind
        self._open = contextlib.ExitStack()
        self._ledger = ledger or folder
        self._variables = SMALL | variables

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opening:
            self.mailbox = Mailbox().up()
            opening.callback(self.mailbox.down)
            self.redis = opening.enter_context(Valkey(self.folder / "redis"))
            self.postgres: Postgres | None = None
            self.url = f"sqlite:///{self._ledger}/ledger.sqlite3"
            if self.kind == POSTGRESQL:
                self.postgres = opening.enter_context(Postgres(self.folder / "postgres", fast=True))
                self.url = self.postgres.url
            self.database = Database(self.url)
            opening.callback(self.database.engine.dispose)
            self.relay = opening.enter_context(self._processes())
            self.relay.environ |= {
                "RELAY_SMTP_URL": f"smtp://127.0.0.1:{self.mailbox.port}",
                "RELAY_MAIL_FROM": "relay@example.org",
                "RELAY_ALERT_EMAILS": "finance@example.org",
            }
            self.proxy = opening.enter_context(FaultProxy(self.relay.sandbox_port))
            self.relay.environ["LUMINATE_URL"] = f"{self.proxy.url}/{ORGANIZATION}/site"
            self.relay.flask("db", "upgrade")
            self.start_sandbox()
            self.start_web()
            self.relay.start_worker()
            self._open = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def _processes(self) -> Processes:
        return Processes(self.folder, database_url=self.url, redis_url=self.redis.url, **self._variables)

    def start_web(self) -> None:
        """Gunicorn as in production, on loopback only."""
        web = self.relay
        web.start("web", "-m", "gunicorn", "-b", f"127.0.0.1:{web.web_port}", "wsgi:app")
        wait_until(lambda: _answers(f"{web.web}/livez"))

    def start_sandbox(self) -> None:
        """With its store, so that what it recorded survives a kill."""
        store = str(self.folder / "sandbox.jsonl")
        self.relay.start("sandbox", "-m", "relay.sandbox", "--port", str(self.relay.sandbox_port), "--store", store)
        wait_until(lambda: _answers(f"{self.relay.sandbox}/sandbox/organizations"))

    def start_older_worker(self, name: str, revision: str) -> None:
        """A worker that runs the code of an earlier commit."""
        place = self.folder / f"code-{revision[:12]}"
        if not place.exists():
            unpack(revision, place)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.relay.running[name] = subprocess.Popen(
                [sys.executable, "-m", "flask", "work"], cwd=place, env=self.relay.environ, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def restart(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Kill a process and start it again; gives back what it exited with."""
        code = self.relay.kill(name, how)
        if name == "web":
            self.start_web()
        elif name == "sandbox":
            self.start_sandbox()
        else:
            self.relay.start_worker(name)
        return code

    def refuse_login(self) -> None:
        """As when the password of the API account has expired."""
        self._site({"logins": {"demo-api-user": None}})

    def accept_login(self) -> None:
        self._site({"logins": {"demo-api-user": LOGIN}})

    def _site(self, changes: dict[str, Any]) -> None:
        url = f"{self.relay.sandbox}/sandbox/organizations/{ORGANIZATION}"
        requests.post(url, json=changes, timeout=5).raise_for_status()

    def look(self) -> None:
        """Look for what is wrong, as the workers do once a minute: what lasts for less they would miss."""
        settings = load_settings(self.relay.environ)
        alerting = Alerting(self.database, settings.organizations, Sender(self.mailbox.server))
        alerting.run()

    def mailed(self, words: str) -> int:
        """How many mails about this have reached the mail server, from whichever process."""
        return sum(subject.endswith(words) and "over:" not in subject for subject in self.mailbox.subjects)

    def newest_caller(self, *names: str) -> str:
        """Which of these workers made the newest call."""
        with self.database.read() as tx:
            newest = tx.execute(select(attempts.c.worker).order_by(attempts.c.id.desc()).limit(1)).scalar() or ""
        return next((name for name in names if f":{self.relay.running[name].pid}:" in newest), names[0])

    def calls_by(self, name: str) -> int:
        """How many calls this worker has made."""
        mine = attempts.c.worker.contains(f":{self.relay.running[name].pid}:")
        with self.database.read() as tx:
            return tx.execute(select(func.count()).where(mine)).scalar_one()

    def logged(self, event: str) -> int:
        """How many lines the workers have logged of this event."""
        logs = (path.read_text(errors="replace") for path in self.folder.glob("worker*.log"))
        return sum(f'"event":"{event}"' in line.replace(": ", ":") for log in logs for line in log.splitlines())


def previous_revision() -> str:
    """The commit before the newest one that changed the code, or "" where there is no history."""
    if shutil.which("git") is None:
        return ""
    command = ["git", "log", "-2", "--format=%H", "--", "relay"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    return found[1] if len(found) == 2 else ""


def unpack(revision: str, place: Path) -> None:
    """The files of a commit, without touching the checkout."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(place, filter="data")


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=2).status_code == 200
    return False
