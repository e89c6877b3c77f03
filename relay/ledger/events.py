"""Events: one row for every webhook taken, with its verdict. Nothing is dropped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from relay.ledger.models import event_entries, events
from relay.status import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """What is stored of one webhook before its meaning is known."""

    organization: str
    provider: str
    event_id: str
    type: str
    # None: each delivery is an event of its own, even where it repeats another word for word.
    delivery_key: str | None
    body: bytes
    headers: Mapping[str, str]
    live: bool | None
    secret_place: int | None
    occurred_at: datetime | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it lies in the ledger, to be read again."""

    id: int
    organization: str
    provider: str
    event_id: str
    type: str
    verdict: Verdict
    note: str
    duplicate_of: int | None
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    fetches: int
    # Which secret proved it; empty: not proven when it came in.
    secret_place: int | None
    # When its body and headers were erased.
    erased_at: datetime | None


_STORED = [field.name for field in fields(StoredEvent)]


def stored_event(row: Any) -> StoredEvent:
    """A StoredEvent from a row that holds every column of the table."""
    return StoredEvent(**{name: getattr(row, name) for name in _STORED} | {"verdict": Verdict(row.verdict)})


def get(tx: Connection, event: int) -> StoredEvent | None:
    """The event with this number."""
    row = tx.execute(select(events).where(events.c.id == event)).one_or_none()
    return stored_event(row) if row else None


def insert_or_ignore(tx: Connection, table: Table, values: Mapping[str, Any]) -> Any:
    """Insert a row unless a unique index has it already; give back its first key column, or None if it had.

    Never select-then-insert: two at once would both see nothing.
    """
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(dict(values)).on_conflict_do_nothing()
    return tx.execute(statement.returning(next(iter(table.primary_key.columns)))).scalar_one_or_none()


def store(tx: Connection, event: NewEvent, verdict: Verdict) -> int | None:
    """Store a new event and give back its id; None if its delivery key is known (see ``store_duplicate``)."""
    row: int | None = insert_or_ignore(tx, events, _columns(event) | {"verdict": verdict})
    return row


def store_duplicate(tx: Connection, event: NewEvent) -> int:
    """Count a repeat of a known delivery; its body is kept only where it differs from the first.

    A repeat of what was erased is empty as well.
    """
    known = tx.execute(
        select(events.c.id, events.c.body, events.c.erased_at).where(
            events.c.organization == event.organization,
            events.c.provider == event.provider,
            events.c.delivery_key == event.delivery_key,
        )
    ).one()
    is_told = known.erased_at is not None or known.body == event.body
    values = _columns(event) | {
        "delivery_key": None,
        "duplicate_of": known.id,
        "verdict": Verdict.DUPLICATE,
        "note": f"the same delivery as event {known.id}{'' if is_told else ', with another body'}",
        "body": b"" if is_told else event.body,
    }
    if known.erased_at is not None:
        values |= {"headers": {}, "erased_at": event.received_at}
    row: int = tx.execute(insert(events).values(values).returning(events.c.id)).scalar_one()
    touched = select(event_entries.c.entry_id).where(event_entries.c.event_id == known.id).distinct()
    for entry in list(tx.execute(touched).scalars()):
        link(tx, row, entry, "repeat", event.received_at)
    return row


def prove(tx: Connection, event: StoredEvent, delivery_key: str) -> bool:
    """A late proof: the event takes the delivery key that it was too unsure for when it came in.

    False if another event has it: then this one is judged as its repeat. Asked under the organization's lock.
    """
    if not delivery_key:
        return True
    key, whose = index_key(delivery_key), (events.c.organization == event.organization)
    others = whose & (events.c.provider == event.provider) & (events.c.delivery_key == key) & (events.c.id != event.id)
    known = tx.execute(select(events.c.id, events.c.body, events.c.erased_at).where(others)).one_or_none()
    values: dict[str, Any] = {"delivery_key": key}
    if known is not None:
        values = {"delivery_key": None, "duplicate_of": known.id}
        values |= {"body": b"", "headers": {}, "erased_at": known.erased_at} if known.erased_at else {}
    tx.execute(update(events).where(events.c.id == event.id).values(values))
    if known is not None:
        same = known.erased_at is not None or known.body == event.body
        note = f"the same delivery as event {known.id}{'' if same else ', but with another body: not used'}"
        judge(tx, event.id, Verdict.DUPLICATE if same else Verdict.FLAGGED, note)
    return known is None


def index_key(key: str) -> str:
    """A delivery key as it is stored: an index takes keys of a limited length only."""
    return key if len(key) <= 300 else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def judge(tx: Connection, event: int, verdict: Verdict, note: str) -> None:
    """Write what the event came to."""
    tx.execute(update(events).where(events.c.id == event).values(verdict=verdict, note=note))


def wait(tx: Connection, event: int, now: datetime, note: str) -> None:
    """The event waits until a worker has asked the provider's API."""
    tx.execute(update(events).where(events.c.id == event).values(verdict=Verdict.PENDING, fetch_at=now, note=note))


def pending(tx: Connection, organization: str, now: datetime, *, limit: int) -> list[StoredEvent]:
    """Events to complete now, in the order received."""
    due = (events.c.organization == organization) & (events.c.verdict == Verdict.PENDING) & (events.c.fetch_at <= now)
    return [stored_event(row) for row in tx.execute(select(events).where(due).order_by(events.c.id).limit(limit))]


def organizations_pending(tx: Connection, now: datetime) -> list[str]:
    """The organizations that have an event to complete now."""
    due = (events.c.verdict == Verdict.PENDING) & (events.c.fetch_at <= now)
    return list(tx.execute(select(events.c.organization).where(due).distinct()).scalars())


def still_pending(tx: Connection, event: int) -> bool:
    """Whether nobody has completed it meanwhile. Asked under the organization's lock."""
    verdict: str = tx.execute(select(events.c.verdict).where(events.c.id == event)).scalar_one()
    return verdict == Verdict.PENDING


def postpone(tx: Connection, event: int, fetch_at: datetime, note: str) -> None:
    """The provider's API did not tell: ask again later."""
    waits = (events.c.id == event) & (events.c.verdict == Verdict.PENDING)
    tx.execute(update(events).where(waits).values(fetch_at=fetch_at, fetches=events.c.fetches + 1, note=note))


def defer(tx: Connection, organization: str, provider: str, fetch_at: datetime) -> None:
    """The provider's API is silent: leave whatever else waits for it alone until then. It uses up no rung."""
    waits = (events.c.organization == organization) & (events.c.provider == provider)
    due = waits & (events.c.verdict == Verdict.PENDING) & (events.c.fetch_at < fetch_at)
    tx.execute(update(events).where(due).values(fetch_at=fetch_at))


def understood(
    tx: Connection, event: int, event_id: str, type_: str, *, live: bool | None, occurred_at: datetime | None
) -> None:
    """Write what reading an event once more has told. Its delivery key stays: it is what the sender repeats."""
    told = {"event_id": event_id, "type": type_, "live": live, "occurred_at": occurred_at}
    tx.execute(update(events).where(events.c.id == event).values(told))


def link(tx: Connection, event: int, entry: int, effect: str, now: datetime) -> None:
    """Write that an event made, filled or touched an entry."""
    values = {"event_id": event, "entry_id": entry, "effect": effect, "at": now}
    insert_or_ignore(tx, event_entries, values)


def _columns(event: NewEvent) -> dict[str, Any]:
    return {
        "organization": event.organization,
        "provider": event.provider,
        "event_id": event.event_id,
        "type": event.type,
        "delivery_key": event.delivery_key,
        "body": event.body,
        "headers": dict(event.headers),
        "live": event.live,
        "secret_place": event.secret_place,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
    }
