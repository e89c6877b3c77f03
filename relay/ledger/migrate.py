"""Migrations: Alembic without its command line; ``flask db`` is the door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from relay.ledger.db import Database

_LOCATION = Path(__file__).parent / "migrations"
# Two release phases at once: the second waits here, then finds nothing to do.
_ADVISORY_LOCK = 7_030_017


def head() -> str:
    """The newest migration there is."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(database: Database) -> str | None:
    """The migration the ledger is at; None for an empty database. Raises LedgerUnavailable."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the ledger up to a revision, in one transaction."""
    _run(database, lambda config: command.upgrade(config, revision))


def downgrade(database: Database, revision: str) -> None:
    """Take the ledger back to a revision, in one transaction."""
    _run(database, lambda config: command.downgrade(config, revision))


def _run(database: Database, act: Callable[[Config], None]) -> None:
    config = _config()
    with database.write() as connection:
        if database.is_postgresql:
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        config.attributes["connection"] = connection
        act(config)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_LOCATION))
    return config
