"""What an organization's newest calls to Luminate came to: what the watch over a site looks at."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from sqlalchemy import Connection, select

from relay.ledger.models import attempts
from relay.ledger.models import entries as table
from relay.status import Outcome

_JOINED = attempts.join(table, attempts.c.entry_id == table.c.id)


@dataclass(frozen=True, slots=True)
class Ended:
    """A call and what it came to; ``text`` are our words, ``reply`` Luminate's own."""

    attempt: int
    outcome: Outcome
    text: str
    http_status: int | None
    reply: bytes | None


def last_ended(tx: Connection, organization: str, count: int) -> list[Ended]:
    """An organization's newest finished calls, newest first."""
    columns = (attempts.c.outcome, attempts.c.reason_text, attempts.c.http_status, attempts.c.reply)
    mine = select(attempts.c.id, *columns).select_from(_JOINED)
    mine = mine.where(table.c.organization == organization, attempts.c.outcome.is_not(None))
    rows = tx.execute(mine.order_by(attempts.c.id.desc()).limit(count))
    return [Ended(row.id, Outcome(row.outcome), row.reason_text, row.http_status, row.reply) for row in rows]


def last_begun(tx: Connection, organization: str) -> int:
    """The number of an organization's newest call, ended or not; 0: there was none."""
    mine = select(attempts.c.id).select_from(_JOINED).where(table.c.organization == organization)
    return tx.execute(mine.order_by(attempts.c.id.desc()).limit(1)).scalar_one_or_none() or 0


def blocked_in_a_row(tx: Connection, entry_id: int) -> int:
    """How many of an entry's newest calls Luminate did not let in."""
    ended = select(attempts.c.outcome).where(attempts.c.entry_id == entry_id, attempts.c.outcome.is_not(None))
    outcomes = tx.execute(ended.order_by(attempts.c.id.desc())).scalars()
    return len(list(takewhile(lambda outcome: outcome == Outcome.BLOCKED, outcomes)))
