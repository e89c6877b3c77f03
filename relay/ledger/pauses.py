"""Pauses: intake goes on, posting of one organization stops until a person or a harmless read ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from relay.ledger.events import insert_or_ignore
from relay.ledger.models import pauses
from relay.telemetry import blot


@dataclass(frozen=True, slots=True)
class Pause:
    """Why and since when an organization's posting is paused. ``check_at`` None: only a person ends it."""

    organization: str
    since: datetime
    who: str
    reason: str
    reason_text: str
    check_at: datetime | None
    checks: int


def of(tx: Connection, organization: str) -> Pause | None:
    """The pause of an organization, if it is paused."""
    row = tx.execute(select(pauses).where(pauses.c.organization == organization)).one_or_none()
    return Pause(*row) if row else None


def all_paused(tx: Connection) -> dict[str, Pause]:
    """Every pause by organization."""
    return {row.organization: Pause(*row) for row in tx.execute(select(pauses))}


def start(
    tx: Connection, organization: str, now: datetime, *, who: str, reason: str, text: str, check_at: datetime | None
) -> bool:
    """Pause an organization; False if it is paused already (the first cause stays)."""
    row = {"organization": organization, "since": now, "who": who, "reason": reason, "reason_text": blot(text)}
    return insert_or_ignore(tx, pauses, row | {"check_at": check_at, "checks": 0}) is not None


def postpone(tx: Connection, organization: str, check_at: datetime) -> None:
    """The harmless read failed: check again later."""
    mine = pauses.c.organization == organization
    tx.execute(update(pauses).where(mine).values(check_at=check_at, checks=pauses.c.checks + 1))


def prolong(tx: Connection, organization: str, *, reason: str, text: str, check_at: datetime) -> None:
    """Check no sooner than then, for this reason; one that is later anyway stays, as does one that a person ends."""
    sooner = (pauses.c.organization == organization) & (pauses.c.check_at < check_at)
    tx.execute(update(pauses).where(sooner).values(check_at=check_at, reason=reason, reason_text=blot(text)))


def end(tx: Connection, organization: str) -> None:
    """Let posting go on."""
    tx.execute(delete(pauses).where(pauses.c.organization == organization))
