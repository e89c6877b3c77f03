"""What writes of the API were answered, by their idempotency key: the same request gets the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, delete, select, update

from relay.ledger.events import insert_or_ignore
from relay.ledger.work_tables import api_answers

# How long an answer is kept, and how long a request may take before it is taken for lost.
KEPT = timedelta(days=7)
LOST_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known under a key. ``status`` None: it is under way, or was lost on the way."""

    request: str
    status: int | None
    body: bytes | None
    at: datetime


def begin(tx: Connection, token: int, key: str, request: str, now: datetime) -> Answer | None:
    """Take a key for a request; None: it is ours now. Else what is known under it."""
    columns = api_answers.c
    tx.execute(delete(api_answers).where(columns.token_id == token, columns.at < now - KEPT))
    if insert_or_ignore(tx, api_answers, {"token_id": token, "key": key, "request": request, "at": now}):
        return None
    row = tx.execute(select(api_answers).where(columns.token_id == token, columns.key == key)).one()
    if row.status is None and row.request == request and row.at < now - LOST_AFTER:
        mine = update(api_answers).where(columns.token_id == token, columns.key == key, columns.at == row.at)
        if _one(tx.execute(mine.where(columns.status.is_(None)).values(at=now))):
            return None
    return Answer(row.request, row.status, row.body, row.at)


def keep(tx: Connection, token: int, key: str, status: int, body: bytes) -> None:
    """Keep the answer for whoever asks the same again."""
    mine = update(api_answers).where(api_answers.c.token_id == token, api_answers.c.key == key)
    tx.execute(mine.values(status=status, body=body))


def forget(tx: Connection, token: int, key: str) -> None:
    """Give the key back: nothing came of the request."""
    tx.execute(delete(api_answers).where(api_answers.c.token_id == token, api_answers.c.key == key))


def _one(result: Any) -> bool:
    return cast("CursorResult[Any]", result).rowcount == 1
