"""Connections to the ledger: SQLite or PostgreSQL, short transactions, one commit you can point at.

``Database.write()`` is a transaction that commits at its end and rolls back on any exception;
``Database.read()`` never commits. A database that does not answer is ``LedgerUnavailable``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relay.errors import LedgerUnavailable
from relay.ledger import sealing
from relay.ledger.sealing import Keyring

# Seconds a transaction waits for a lock before it gives up; the sender is then told to try again.
LOCK_SECONDS = 10


class Database:
    """The one door to the ledger's engine."""

    def __init__(self, url: str, keyring: Keyring | None = None, **engine: Any) -> None:
        """Prepare an engine for ``url``; connects only when first used. ``engine``: more options for SQLAlchemy's.

        ``keyring``: what donor data is sealed with; none is.
        """
        self.engine = _engine(url, **engine)
        self.keyring = keyring or Keyring()
        sealing.attach(self.engine.dialect, self.keyring)
        self.is_postgresql = self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits when the block ends well. Raises LedgerUnavailable."""
        with (
            _translated(),
            self.engine.connect().execution_options(relay_writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, all of it at one moment: sums that belong together agree.

        Raises LedgerUnavailable.
        """
        with _translated(), self.engine.connect() as connection:
            # SQLite reads like this by itself.
            yield connection.execution_options(isolation_level="REPEATABLE READ") if self.is_postgresql else connection

    def now(self, connection: Connection) -> datetime:
        """The database's clock (aware UTC): one clock for every host's leases."""
        if not self.is_postgresql:
            return datetime.now(UTC)
        moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return moment.astimezone(UTC)

    def lock(self, connection: Connection, *organizations: str) -> None:
        """Let one transaction at a time change these organizations' payments, until it ends.

        SQLite has one writer anyway. Always the first statement of a transaction, so that nobody waits for
        it while holding a row that its owner wants.
        """
        if self.is_postgresql:
            for name in sorted(organizations):
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))"), {"name": name})

    def dispose(self) -> None:
        """Forget pooled connections without closing them: for a process just forked."""
        self.engine.dispose(close=False)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise LedgerUnavailable(type(getattr(error, "orig", None) or error).__name__) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise LedgerUnavailable("connection lost") from error
        raise


def _engine(url: str, **more: Any) -> Engine:
    options: dict[str, Any] = more | {
        "json_serializer": lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode(),
        "json_deserializer": orjson.loads,
        # A statement's values are donor data; an error message must not carry them into a log.
        "hide_parameters": True,
    }
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            # A directory that cannot be made is an unavailable ledger when it is first used, not a crash at start.
            with suppress(OSError):
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": LOCK_SECONDS}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    connect = {"connect_timeout": 5, "options": f"-c timezone=UTC -c lock_timeout={LOCK_SECONDS}s"}
    return create_engine(parsed, connect_args=connect, pool_pre_ping=True, pool_size=10, pool_timeout=10, **options)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Hand transaction control to us, write ahead, and sync every commit: a 2xx must survive a power cut."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start of a writer: a reader that turns writer fails at once, whatever the timeout."""
    writes = connection.get_execution_options().get("relay_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
