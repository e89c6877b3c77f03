"""Lists of the API, from the newest back: each page begins behind a number, so that what comes in moves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from relay.ledger.lines import LINE_COLUMNS, Line, line_of
from relay.ledger.models import entries, event_entries, events
from relay.ledger.search import Filter, conditions
from relay.ledger.work_tables import plans
from relay.status import Verdict

_EVENT = ("id", "event_id", "provider", "type", "verdict", "note", "live", "duplicate_of", "occurred_at", "received_at",
          "erased_at")  # fmt: skip


def entries_before(tx: Connection, wanted: Filter, before: int, limit: int) -> list[Line]:
    """Entries that match, with a smaller number, newest first."""
    found = select(*LINE_COLUMNS).where(conditions(wanted), entries.c.id < before)
    return [line_of(row) for row in tx.execute(found.order_by(entries.c.id.desc()).limit(limit))]


def events_before(
    tx: Connection, organization: str, before: int, limit: int, *, provider: str = "", verdict: Verdict | None = None
) -> Sequence[Row[Any]]:
    """Events of an organization with a smaller number, newest first, without their bodies."""
    found = select(*(events.c[name] for name in _EVENT)).where(events.c.organization == organization)
    found = found.where(events.c.provider == provider) if provider else found
    found = found.where(events.c.verdict == verdict) if verdict else found
    return tx.execute(found.where(events.c.id < before).order_by(events.c.id.desc()).limit(limit)).all()


def event(tx: Connection, organization: str, number: int) -> Row[Any] | None:
    """One event of an organization, without its body."""
    found = select(*(events.c[name] for name in _EVENT))
    return tx.execute(found.where(events.c.organization == organization, events.c.id == number)).one_or_none()


def touched(tx: Connection, numbers: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Event -> the entries it made or touched. As many events as a page has."""
    links = event_entries.c
    some = select(links.event_id, links.entry_id).where(links.event_id.in_(numbers)).distinct()
    found: dict[int, tuple[int, ...]] = {}
    for event_id, entry_id in tx.execute(some.order_by(links.event_id, links.entry_id)):
        found[event_id] = (*found.get(event_id, ()), entry_id)
    return found


def plans_before(tx: Connection, organization: str, before: int, limit: int) -> Sequence[int]:
    """The numbers of an organization's replay plans before this one, newest first."""
    found = select(plans.c.id).where(plans.c.organization == organization, plans.c.id < before)
    return tx.execute(found.order_by(plans.c.id.desc()).limit(limit)).scalars().all()
