"""Entries: create, read, and change by compare-and-swap.

Every change of status goes through ``move``: it asks the one table of transitions, then updates the row only
where status and fence are still what the caller read. ``False`` means somebody else was first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, insert, select, update
from sqlalchemy import text as sql

from relay.ledger import donors, findable, restores
from relay.ledger.models import attempts, corrections, entries
from relay.ledger.restores import Lost
from relay.ledger.sealing import keyring_of
from relay.money import Money
from relay.status import CLAIMABLE, PERHAPS_RECORDED, UNSENT, Erased, Kind, Outcome, Status, advance

# Why an erased gift is not sent.
GONE = "What Luminate would be told of it is erased: record it there by hand, if it must be there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the ledger. ``minor`` is the amount in minor units of ``currency``."""

    id: int
    organization: str
    provider: str
    payment_id: int
    kind: Kind
    status: Status
    reason: str
    reason_text: str
    flag: str
    amount: Money
    provider_transaction_id: str
    parent_transaction_id: str
    refund_reason: str
    merged_into: int | None
    fact: Mapping[str, Any]
    overrides: Mapping[str, str]
    parameters: Mapping[str, str]
    mail: bool
    donor_name: str
    donor_email: str
    fund: str
    fence: int
    lease_until: datetime | None
    next_attempt_at: datetime
    not_sent: int
    probe_at: datetime | None
    doubtful_from: datetime | None
    probes: int
    candidates: Sequence[Mapping[str, str]]
    confirmation_code: str
    luminate_transaction_id: str
    cons_id: str
    login_name: str
    occurred_at: datetime | None
    received_at: datetime
    changed_at: datetime
    posted_at: datetime | None
    late: str
    # What is gone of it: its call cannot be made any more.
    erased: Erased
    erased_at: datetime | None


_MADE = frozenset({"kind", "status", "amount", "erased"})
_PLAIN = [field.name for field in fields(Entry) if field.name not in _MADE]


def of_row(row: Any) -> Entry:
    """An Entry from a row that holds every column of the table."""
    plain = {name: getattr(row, name) for name in _PLAIN}
    amount, erased = Money(row.amount, row.currency), Erased(row.erased)
    return Entry(kind=Kind(row.kind), status=Status(row.status), amount=amount, erased=erased, **plain)


def create(tx: Connection, **values: Any) -> int:
    """Insert an entry and give back its id. A second gift of one payment breaks the unique index.

    What a restored ledger may have forgotten sending is not in line, but unknown, and looked up first.
    """
    amount: Money = values.pop("amount")
    row = {"fact": {}, "overrides": {}, "parameters": {}, "candidates": [], "changed_at": values["received_at"]}
    row |= values | {"amount": amount.minor, "currency": amount.currency} | found_by(tx, values)
    row |= _nameless(tx, values, values.get("donor_name", ""))
    lost = restores.forgotten(tx, row) if row["status"] == Status.QUEUED else None
    row |= restores.in_doubt(lost, row["next_attempt_at"]) if lost else {}
    made: int = tx.execute(insert(entries).values(row).returning(entries.c.id)).scalar_one()
    if lost:
        _would_be_in_line(tx, made, row["received_at"])
    return made


_CODES = ("provider_transaction_id", "parent_transaction_id", "confirmation_code", "luminate_transaction_id")
# What ``found_by`` is made from.
FOUND_BY = frozenset({"donor_name", "donor_email", *_CODES})


def found_by(tx: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that an entry with these names, address and codes is found by."""
    email, codes = row.get("donor_email", ""), (row.get(name, "") for name in _CODES)
    words = findable.words_of(name=row.get("donor_name", ""), email=email, codes=codes)
    return {"findable": words, "donor_key": keyring_of(tx.dialect).donor_key(email)}


def _nameless(tx: Connection, values: Mapping[str, Any], name: str) -> dict[str, str]:
    """Words that SQL groups and finds entries by stay plain, and name nobody; attempt or correction has them whole."""
    said = ((column, values.get(column)) for column in ("reason_text", "flag"))
    return {column: donors.nameless(tx, text, name) for column, text in said if text}


def get(tx: Connection, entry_id: int, *, keep: bool = False) -> Entry | None:
    """The entry with this id. With ``keep`` nobody changes it before the transaction ends."""
    found = select(entries).where(entries.c.id == entry_id)
    row = tx.execute(found.with_for_update() if keep else found).one_or_none()
    return of_row(row) if row else None


# Written out as in its index: SQLite takes a partial index only for words, not for parameters.
_OWNS = sql("entries.kind <> 'refund' AND entries.confirmation_code <> ''")


def owner_of(tx: Connection, site: Collection[str], confirmation_code: str) -> int | None:
    """The gift that owns a confirmation code on a Luminate site: a code is proof of one gift only."""
    mine = entries.c.organization.in_(site) & (entries.c.confirmation_code == confirmation_code)
    found: int | None = tx.execute(select(entries.c.id).where(mine, _OWNS)).scalars().first()
    return found


def owners(tx: Connection, site: Collection[str], codes: Iterable[str]) -> dict[str, Entry]:
    """The gifts of the organizations of a site that own these confirmation codes already, by code."""
    mine = entries.c.organization.in_(site) & entries.c.confirmation_code.in_([code for code in codes if code])
    return {row.confirmation_code: of_row(row) for row in tx.execute(select(entries).where(mine, _OWNS))}


def folded_into(kept: int) -> dict[str, Any]:
    """The columns that end an entry of a payment which another entry holds."""
    return {"merged_into": kept, "reason": "same_payment", "reason_text": f"The same payment as entry {kept}."}


def gift_of(tx: Connection, payment_id: int, *, keep: bool = False) -> Entry | None:
    """The one gift of a payment that was not folded into another.

    With ``keep`` no claim takes it before the transaction ends (SQLite has one writer anyway).
    """
    found = select(entries).where(
        entries.c.payment_id == payment_id, entries.c.kind == Kind.GIFT, entries.c.merged_into.is_(None)
    )
    row = tx.execute(found.with_for_update() if keep else found).one_or_none()
    return of_row(row) if row else None


def refunds_of(tx: Connection, payment_id: int, statuses: Iterable[Status] | None = None) -> list[Entry]:
    """The refunds of a payment, oldest first."""
    return of_payment(tx, payment_id, Kind.REFUND, statuses)


def of_payment(
    tx: Connection, payment_id: int, kind: Kind, statuses: Iterable[Status] | None = None, *, keep: bool = False
) -> list[Entry]:
    """The entries of one kind of a payment, oldest first. With ``keep`` as ``gift_of``."""
    found = select(entries).where(entries.c.payment_id == payment_id, entries.c.kind == kind)
    if statuses is not None:
        found = found.where(entries.c.status.in_(list(statuses)))
    ordered = found.order_by(entries.c.received_at, entries.c.id)
    return [of_row(row) for row in tx.execute(ordered.with_for_update() if keep else ordered)]


def change(tx: Connection, entry: Entry, now: datetime, **values: Any) -> bool:
    """Update columns other than the status, if the entry is still as it was read."""
    return _swap(tx, entry, {"changed_at": now, **values})


def move(tx: Connection, entry: Entry, target: Status, now: datetime, **values: Any) -> bool:
    """Change the status (and columns) if the entry is still as it was read.

    What was folded into another entry of its payment is never in line again: it ends instead. Nor is an entry in
    line again while one that was folded into it may be in Luminate, or once what Luminate would be told of it is
    erased: it is held. What a restored ledger may have forgotten sending is unknown first, and looked up.
    Raises TransitionRefused when the table does not allow it; False when somebody else was first.
    """
    if entry.merged_into is not None and target in CLAIMABLE:
        return _end_folded(tx, entry, entry.merged_into, now, values)
    if target in CLAIMABLE and (held := never_again(tx, entry)):
        target, values = Status.HELD, values | held
    if target is Status.QUEUED and entry.status in UNSENT and (lost := _forgotten(tx, entry)):
        return _look_up_first(tx, entry, lost, now, values)
    advance(entry.status, target)
    return _swap(tx, entry, {"changed_at": now, "status": target, **values})


def _forgotten(tx: Connection, entry: Entry) -> Lost | None:
    """In which time that a restored ledger has lost it may have been sent; None: in none, or it was looked up since."""
    row = {name: getattr(entry, name) for name in ("organization", "payment_id", "kind", "fact", "occurred_at")}
    lost = restores.forgotten(tx, row)
    return None if lost is None or restores.is_looked_up(tx, entry.id, lost) else lost


def _look_up_first(tx: Connection, entry: Entry, lost: Lost, now: datetime, values: dict[str, Any]) -> bool:
    advance(entry.status, Status.UNKNOWN)
    if not _swap(tx, entry, {"changed_at": now, **values, **restores.in_doubt(lost, now)}):
        return False
    _would_be_in_line(tx, entry.id, now)
    return True


def _would_be_in_line(tx: Connection, entry_id: int, now: datetime) -> None:
    """Write down why an entry is unknown that nobody has called Luminate for."""
    queued, unknown = {"status": Status.QUEUED, "reason": "", "reason_text": ""}, {"status": Status.UNKNOWN}
    row = {"entry_id": entry_id, "at": now, "who": "relay", "action": restores.RECOVER, "reason": restores.BORN}
    tx.execute(insert(corrections).values(row | {"before": queued, "after": unknown}))


def _end_folded(tx: Connection, entry: Entry, kept: int, now: datetime, values: dict[str, Any]) -> bool:
    if entry.status is Status.POSTING:
        if not move(tx, entry, Status.HELD, now):
            return False
        entry = replace(entry, status=Status.HELD)
    return move(tx, entry, Status.CLOSED, now, **values | folded_into(kept) | {"flag": ""})


def never_again(tx: Connection, entry: Entry) -> dict[str, Any]:
    """Why an entry must not be in line: reason and words, or nothing. A refund is told by its gift's code alone."""
    if twin := _sent_twin(tx, entry):
        text = f"Entry {twin} is the same payment and was sent, or may have been: resolve that one first."
        return {"reason": "twin_was_sent", "reason_text": text}
    if entry.erased and entry.kind is not Kind.REFUND:
        return {"reason": "erased", "reason_text": GONE}
    if was_recorded(tx, entry):
        text = "Luminate answered an earlier call of it: it was recorded then."
        return {"reason": "recorded_before", "reason_text": text}
    return {}


def was_recorded(tx: Connection, entry: Entry) -> bool:
    """Whether Luminate said of a call of this entry that it was recorded, and nobody proved otherwise since."""
    told = (attempts.c.entry_id == entry.id) & (attempts.c.outcome == Outcome.POSTED)
    return tx.execute(select(attempts.c.id).where(told).limit(1)).first() is not None


def _sent_twin(tx: Connection, entry: Entry) -> int | None:
    """An entry folded into this one that Luminate may have, also where somebody closed it while it was unknown."""
    folded = (entries.c.payment_id == entry.payment_id) & (entries.c.merged_into == entry.id)
    twins = (of_row(row) for row in tx.execute(select(entries).where(folded).order_by(entries.c.id)))
    return next((twin.id for twin in twins if may_be_recorded(tx, twin) or was_recorded(tx, twin)), None)


def hand_over_twins(tx: Connection, gone: Entry, kept: int) -> None:
    """What was folded into one entry of a payment is folded into another now."""
    folded = (entries.c.payment_id == gone.payment_id) & (entries.c.merged_into == gone.id)
    tx.execute(update(entries).where(folded).values(merged_into=kept))


def may_be_recorded(tx: Connection, entry: Entry) -> bool:
    """Whether Luminate has it or may have it, also where somebody closed it while it was unknown."""
    if entry.status is Status.CLOSED:
        return before(tx, entry, "close").get("status") == Status.UNKNOWN
    return entry.status in PERHAPS_RECORDED


def _swap(tx: Connection, entry: Entry, values: dict[str, Any]) -> bool:
    if FOUND_BY & values.keys():
        found = found_by(tx, {name: getattr(entry, name) for name in FOUND_BY} | values)
        # An address keeps the blind value that was made when it was sealed.
        values |= found if "donor_email" in values else {"findable": found["findable"]}
    values |= _nameless(tx, values, values.get("donor_name", entry.donor_name))
    unchanged = (entries.c.id == entry.id) & (entries.c.status == entry.status) & (entries.c.fence == entry.fence)
    result = cast("CursorResult[Any]", tx.execute(update(entries).where(unchanged).values(values)))
    return result.rowcount == 1


def before(tx: Connection, entry: Entry, action: str) -> Mapping[str, Any]:
    """What the last correction of this kind found; empty if there was none."""
    mine = (corrections.c.entry_id == entry.id) & (corrections.c.action == action)
    last = select(corrections.c.before).where(mine).order_by(corrections.c.id.desc()).limit(1)
    return tx.execute(last).scalar_one_or_none() or {}


def held_before(tx: Connection, entry: Entry) -> dict[str, Any]:
    """The columns that hold an entry again which a person had to see to when the ledger was restored; else nothing.

    Luminate's refusal holds like any other reason: the same, sent again, would only be refused again.
    """
    was = before(tx, entry, restores.RECOVER) if entry.doubtful_from is not None else {}
    if was.get("status") not in {Status.HELD, Status.REJECTED}:
        return {}
    said = {"reason": was["reason"], "reason_text": was["reason_text"]}
    return said | {"probe_at": None, "doubtful_from": None, "lease_until": None, "candidates": []}


def correct(
    tx: Connection,
    entry: Entry,
    now: datetime,
    *,
    who: str,
    action: str,
    reason: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Write down what a named person changed, and why. History only grows."""
    row = {"entry_id": entry.id, "at": now, "who": who, "action": action, "reason": reason}
    tx.execute(insert(corrections).values(row | {"before": dict(before), "after": dict(after)}))
