"""Notes and owners of causes of failures: what a team wrote down about a group of gifts that wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from relay.ledger.work_tables import cause_notes


@dataclass(frozen=True, slots=True)
class Note:
    """What is written down about one cause."""

    organization: str
    cause: str
    note: str
    owner: str
    changed_by: str
    changed_at: datetime


def within(tx: Connection, reach: tuple[str, ...]) -> dict[tuple[str, str], Note]:
    """Every note, by organization and cause."""
    found = tx.execute(select(cause_notes).where(cause_notes.c.organization.in_(reach)))
    return {(row.organization, row.cause): Note(*row) for row in found}


def of(tx: Connection, organization: str, cause: str) -> Note | None:
    """The note of one cause."""
    mine = (cause_notes.c.organization == organization) & (cause_notes.c.cause == cause)
    row = tx.execute(select(cause_notes).where(mine)).one_or_none()
    return Note(*row) if row else None


def write(tx: Connection, note: Note) -> None:
    """Write it down in place of what was there; what was there before stands in the audit."""
    insert = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(cause_notes)
    names = ("organization", "cause", "note", "owner", "changed_by", "changed_at")
    row: dict[str, Any] = {name: getattr(note, name) for name in names}
    keys = {"index_elements": list(cause_notes.primary_key.columns)}
    tx.execute(insert.values(row).on_conflict_do_update(**keys, set_=row))
