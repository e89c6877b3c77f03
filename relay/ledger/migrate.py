"""Migrations: Alembic without its command line; ``flask db`` is the door.

Alembic is loaded only to migrate. Web and worker ask at their start where the tables stand, and need not carry it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from relay.ledger.db import Database

if TYPE_CHECKING:
    from alembic.config import Config

_LOCATION = Path(__file__).parent / "migrations"
# Two release phases at once: the second waits here, then finds nothing to do.
_ADVISORY_LOCK = 7_030_017


def head() -> str:
    """The newest migration there is: they are numbered, and their files begin with the number."""
    return max(file.name.partition("_")[0] for file in (_LOCATION / "versions").glob("[0-9]*.py"))


def current(database: Database) -> str | None:
    """The migration the ledger is at; None for an empty database. Raises LedgerUnavailable."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        at: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        return at


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the ledger up to a revision, in one transaction."""
    _run(database, "upgrade", revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the ledger back to a revision, in one transaction."""
    _run(database, "downgrade", revision)


def _run(database: Database, direction: str, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - see above

    config = _config()
    with database.write() as connection:
        if database.is_postgresql:
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        config.attributes["connection"] = connection
        getattr(command, direction)(config, revision)


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_LOCATION))
    return config
