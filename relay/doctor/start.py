"""What a process must know before it starts: the one thing that keeps it from starting, and what it should say."""

from __future__ import annotations

import structlog
from redis import Redis
from sqlalchemy.exc import SQLAlchemyError

from relay.doctor import encryption, house
from relay.doctor.checks import Level
from relay.errors import LedgerUnavailable
from relay.ledger import migrate, resealing
from relay.ledger.db import Database

log = structlog.get_logger(__name__)


def obstacle(database: Database) -> str:
    """Why web and worker cannot start, in a sentence; "" if they can.

    Tables newer than this code are none: during a rolling restart the old code runs on beside them. Neither is a
    database that does not answer: it may come back, and webhooks meet a 503 until then.
    """
    newest = migrate.head()
    try:
        current = migrate.current(database)
        if current is not None and current >= newest:
            return _locked_out(database)
    except (LedgerUnavailable, SQLAlchemyError):
        return ""
    return f"The ledger's tables are at {current or 'nothing'} and this relay needs {newest}: run `flask db upgrade`."


def _locked_out(database: Database) -> str:
    """Whether a key is missing without which the newest rows cannot be read."""
    with database.read() as tx:
        return f"{encryption.LACKS} {encryption.PUT_BACK}" if resealing.any_closed_lately(tx) else ""


def warn_of_redis(redis: Redis) -> None:
    """Say in the log what is wrong with Redis, for example that it evicts; it keeps nobody from starting."""
    for check in house.redis_server(redis, workers=False):
        if check.level is not Level.OK:
            log.warning("redis_not_well", text=check.text, what_to_do=check.what_to_do)
