"""Erasing: what belongs to a payment, which payments may be old enough, and the writes that empty them.

Which words stay, and who may ask, is ``relay.office``'s business. Delivery keys, ids, amounts and statuses are never
touched: a late repeat is still a duplicate, and the balance holds. The caller holds the organization's lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, exists, or_, select, text, update

from relay.ledger import entries as ledger_entries
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.models import attempts, corrections, entries, event_entries, events
from relay.ledger.plans import PlanStatus
from relay.ledger.proposals import Decision
from relay.ledger.work_tables import plan_items, plans, proposals
from relay.status import Erased, Status, Verdict

FINAL = (Status.POSTED, Status.CLOSED)
# Somebody must find out yet what it means.
_UNREAD = (Verdict.NOT_UNDERSTOOD, Verdict.PENDING)
# As the partial indexes have them: SQLite uses none for values that it is told only when the query runs.
_KEPT = text("entries.erased = '' AND entries.flag = '' AND entries.status IN ('posted', 'closed')")
_GONE = text("entries.erased = 'donor'")


@dataclass(slots=True)
class Family:
    """Everything of one payment: its entries, and what came in, was sent, and was done for them.

    ``others``: entries of other payments that the same events speak of, by event.
    """

    payment: int
    entries: list[Entry] = field(default_factory=list)
    events: list[Row[Any]] = field(default_factory=list)
    attempts: list[Row[Any]] = field(default_factory=list)
    corrections: list[Row[Any]] = field(default_factory=list)
    proposals: list[Row[Any]] = field(default_factory=list)
    planned: list[int] = field(default_factory=list)
    others: dict[int, list[Row[Any]]] = field(default_factory=dict)


# --- finding --------------------------------------------------------------------------------------------------------


def old_ones(
    tx: Connection, organization: str, before: datetime, after: tuple[datetime, int] | None, limit: int
) -> list[tuple[datetime, int, int]]:
    """Entries that ended before then and are not erased yet, oldest first: when, number, payment.

    ``after``: beyond this one.
    """
    columns = entries.c
    ended = and_(columns.organization == organization, _KEPT, columns.changed_at < before)
    if after:
        later = and_(columns.changed_at == after[0], columns.id > after[1])
        ended = and_(ended, or_(columns.changed_at > after[0], later))
    found = select(columns.changed_at, columns.id, columns.payment_id).where(ended)
    return [tuple(row) for row in tx.execute(found.order_by(columns.changed_at, columns.id).limit(limit))]


def come_again(tx: Connection, organization: str) -> list[int]:
    """Payments of donors who were erased, of which something came in since."""
    mine = select(entries.c.payment_id).where(entries.c.organization == organization, _GONE)
    joined = entries.join(event_entries, event_entries.c.entry_id == entries.c.id)
    joined = joined.join(events, events.c.id == event_entries.c.event_id)
    new = and_(entries.c.payment_id.in_(mine), events.c.erased_at.is_(None))
    return sorted(set(tx.execute(select(entries.c.payment_id).select_from(joined).where(new)).scalars()))


def payments_of(tx: Connection, entry_ids: Collection[int]) -> dict[str, list[int]]:
    """The payments of these entries, by organization."""
    found: dict[str, list[int]] = {}
    columns = (entries.c.organization, entries.c.payment_id)
    for row in tx.execute(select(*columns).where(entries.c.id.in_(entry_ids)).distinct().order_by(*columns)):
        found.setdefault(row.organization, []).append(row.payment_id)
    return found


def families(tx: Connection, payments: Sequence[int]) -> list[Family]:
    """Everything of these payments, without bodies and replies."""
    found = {payment: Family(payment) for payment in payments}
    whose: dict[int, Family] = {}
    for row in tx.execute(select(entries).where(entries.c.payment_id.in_(found)).order_by(entries.c.id)):
        whose[row.id] = found[row.payment_id]
        found[row.payment_id].entries.append(ledger_entries.of_row(row))
    _take_events(tx, whose)
    for row in _of_entries(tx, select(*(attempts.c[name] for name in _CALL)), attempts, whose):
        whose[row.entry_id].attempts.append(row)
    for row in _of_entries(tx, select(corrections), corrections, whose):
        whose[row.entry_id].corrections.append(row)
    for row in _of_entries(tx, select(proposals), proposals, whose):
        whose[row.entry_id].proposals.append(row)
    for entry in _in_running_plans(tx, list(whose)):
        whose[entry].planned.append(entry)
    return list(found.values())


_CALL = ("id", "entry_id", "parameters", "reason_text", "started_at", "finished_at")
_EVENT = ("id", "verdict", "note", "received_at", "erased_at", "duplicate_of")


def _of_entries(tx: Connection, wanted: Select[Any], table: Table, whose: Collection[int]) -> Sequence[Row[Any]]:
    return tx.execute(wanted.where(table.c.entry_id.in_(whose)).order_by(table.c.id)).all()


def _take_events(tx: Connection, whose: dict[int, Family]) -> None:
    """The events of each, repeats that came before it was known whose they are among them."""
    links, told = event_entries.c, [events.c[name] for name in _EVENT]
    linked: Select[Any] = select(links.entry_id, *told).join(event_entries, links.event_id == events.c.id)
    owners: dict[int, dict[int, Family]] = {}
    for row in tx.execute(linked.where(links.entry_id.in_(whose)).order_by(events.c.id)).all():
        family = whose[row.entry_id]
        if family.payment not in owners.setdefault(row.id, {}):
            owners[row.id][family.payment] = family
            family.events.append(row)
    repeats: Select[Any] = select(*told).where(events.c.duplicate_of.in_(owners), ~_is_linked(events.c.id))
    for row in tx.execute(repeats.order_by(events.c.id)).all():
        for family in owners[row.duplicate_of].values():
            family.events.append(row)
    _take_others(tx, owners)


def _take_others(tx: Connection, owners: dict[int, dict[int, Family]]) -> None:
    columns = [entries.c[name] for name in ("id", "payment_id", "status", "erased")]
    joined = select(event_entries.c.event_id, *columns).join(entries, entries.c.id == event_entries.c.entry_id)
    for row in tx.execute(joined.where(event_entries.c.event_id.in_(owners)).distinct()):
        for family in owners[row.event_id].values():
            if row.payment_id != family.payment:
                family.others.setdefault(row.event_id, []).append(row)


def _in_running_plans(tx: Connection, entry_ids: Sequence[int]) -> list[int]:
    items = plan_items.c
    waits = and_(items.entry_id.in_(entry_ids), items.skipped == "", items.result == "")
    going = plans.c.status.in_([PlanStatus.RUNNING, PlanStatus.PAUSED])
    found = select(items.entry_id).join(plans, plans.c.id == items.plan_id).where(waits, going)
    return list(tx.execute(found.distinct()).scalars())


def is_waiting(proposal: Row[Any]) -> bool:
    """Whether a correction waits for a second person still."""
    return bool(proposal.decision == Decision.WAITING)


# --- events beside payments -----------------------------------------------------------------------------------------


def _is_linked(event: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(event_entries.c.event_id == event)


def _is_needed(event: ColumnElement[Any]) -> ColumnElement[bool]:
    """A payment that it speaks of has an entry that is open, or not erased."""
    one, sibling = entries.alias("one"), entries.alias("sibling")
    whose = and_(event_entries.c.event_id == event, one.c.id == event_entries.c.entry_id)
    needs = or_(sibling.c.erased == Erased.NOTHING, sibling.c.status.not_in(FINAL))
    return exists().where(whose, sibling.c.payment_id == one.c.payment_id, needs)


def idle_events(tx: Connection, organization: str, before: datetime, after: int, limit: int) -> list[int]:
    """Events received before then that nothing needs: they came to nothing, or late to a payment that is erased.

    None that nobody has understood, and no repeat of one.
    """
    first, columns = events.alias("first"), events.c
    unread = exists().where(first.c.id == columns.duplicate_of, first.c.verdict.in_(_UNREAD))
    mine = and_(columns.organization == organization, columns.erased_at.is_(None), columns.received_at < before)
    needless = and_(
        columns.verdict.not_in(_UNREAD), ~unread, ~_is_needed(columns.id), ~_is_needed(columns.duplicate_of)
    )
    found = select(columns.id).where(mine, needless, columns.id > after)
    return list(tx.execute(found.order_by(columns.id).limit(limit)).scalars())


def _is_alone(organization: str) -> ColumnElement[bool]:
    """Not erased, of no entry, and no repeat of an event of one."""
    mine = and_(events.c.organization == organization, events.c.erased_at.is_(None))
    return and_(mine, ~_is_linked(events.c.id), ~_is_linked(events.c.duplicate_of))


def still_alone(tx: Connection, organization: str, numbers: Collection[int]) -> bool:
    """Whether none of these events was booked, or erased, since they were looked through."""
    chosen = select(events.c.id).where(_is_alone(organization), events.c.id.in_(list(numbers)))
    return len(tx.execute(chosen).all()) == len(numbers)


def bodies(tx: Connection, organization: str) -> Iterator[Row[Any]]:
    """Events of no entry with all that they hold, to be looked through."""
    alone = _is_alone(organization)
    names = ("id", "verdict", "body", "headers")
    found = select(*(events.c[name] for name in names)).where(alone)
    yield from tx.execute(found.order_by(events.c.id).execution_options(yield_per=200))


# --- writing --------------------------------------------------------------------------------------------------------


def empty_events(tx: Connection, numbers: Collection[int], now: datetime) -> None:
    """Erase bodies and headers."""
    chosen = events.c.id.in_(list(numbers))
    tx.execute(update(events).where(chosen).values(body=b"", headers={}, erased_at=now))


def rewrite_notes(tx: Connection, numbers: Collection[int], note: str) -> None:
    """Leave of what was noted of events what is given."""
    tx.execute(update(events).where(events.c.id.in_(list(numbers))).values(note=note))


def empty_attempt(tx: Connection, attempt: int, **values: Any) -> None:
    """Erase the reply of a call, and leave of the rest what is given."""
    tx.execute(update(attempts).where(attempts.c.id == attempt).values(reply=None, **values))


def rewrite_correction(tx: Connection, correction: int, **values: Any) -> None:
    """Leave of a correction what is given."""
    tx.execute(update(corrections).where(corrections.c.id == correction).values(**values))


def rewrite_proposal(tx: Connection, proposal: int, **values: Any) -> None:
    """Leave of a proposal what is given."""
    tx.execute(update(proposals).where(proposals.c.id == proposal).values(**values))


def thoroughly(tx: Connection) -> None:
    """Let SQLite overwrite what it frees. PostgreSQL drops old rows when it vacuums; see docs/security.md."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA secure_delete=ON")


def settle_files(database: Database) -> None:
    """Bring SQLite's log into its file and empty it: old pages stand in there."""
    if database.is_postgresql:
        return
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
