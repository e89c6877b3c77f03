"""Corrections that wait for a second person, or were decided by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Row, insert, select, update

from relay.ledger.work_tables import proposals


class Decision(StrEnum):
    """What became of a proposal."""

    WAITING = ""
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A correction that somebody proposed."""

    id: int
    organization: str
    entry_id: int
    changes: Mapping[str, str]
    reason: str
    proposed_by: str
    proposed_at: datetime
    decision: Decision
    decided_by: str
    decided_at: datetime | None


def make(tx: Connection, **values: Any) -> int | None:
    """Write a proposal down. Gives back its number; None while another waits for the same entry."""
    waiting = select(proposals.c.id).where(
        proposals.c.entry_id == values["entry_id"], proposals.c.decision == Decision.WAITING
    )
    if tx.execute(waiting).first():
        return None
    made: int = tx.execute(insert(proposals).values(values).returning(proposals.c.id)).scalar_one()
    return made


def get(tx: Connection, number: int) -> Proposal | None:
    """The proposal with this number."""
    row = tx.execute(select(proposals).where(proposals.c.id == number)).one_or_none()
    return _proposal(row) if row else None


def waiting_for(tx: Connection, entry_ids: Collection[int]) -> dict[int, Proposal]:
    """The proposals that wait, by entry."""
    waiting = select(proposals).where(proposals.c.decision == Decision.WAITING)
    found = (_proposal(row) for row in tx.execute(waiting))
    wanted = set(entry_ids)
    return {proposal.entry_id: proposal for proposal in found if proposal.entry_id in wanted}


def listing(tx: Connection, organizations: Collection[str] | None, *, limit: int) -> list[Proposal]:
    """What waits first, then the newest of what was decided, of these organizations (None: of all)."""
    order = (proposals.c.decision != Decision.WAITING, proposals.c.id.desc())
    found = select(proposals).order_by(*order).limit(limit)
    if organizations is not None:
        found = found.where(proposals.c.organization.in_(organizations))
    return [_proposal(row) for row in tx.execute(found)]


def decide(tx: Connection, proposal: Proposal, decision: Decision, now: datetime, *, who: str) -> bool:
    """Decide what waits still; False if somebody else was first."""
    waits = (proposals.c.id == proposal.id) & (proposals.c.decision == Decision.WAITING)
    values = {"decision": decision, "decided_by": who, "decided_at": now}
    done = cast("CursorResult[Any]", tx.execute(update(proposals).where(waits).values(values)))
    return done.rowcount == 1


def _proposal(row: Row[Any]) -> Proposal:
    told = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    return Proposal(**told | {"decision": Decision(row.decision)})
