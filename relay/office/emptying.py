"""One payment emptied of its payloads, and why another must not be: what retention and the erasing of a donor share."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection

from relay.errors import ErasingRefused
from relay.ledger import entries, erasing
from relay.ledger.entries import Entry
from relay.ledger.erasing import FINAL, Family
from relay.office import forgetting
from relay.status import Erased, Status

# What a person did who had a donor erased, as the story tells it. Its reason names nobody, and stays.
ERASE = "erase"


@dataclass(slots=True)
class Emptied:
    """How much was erased, or would be. ``idle``: events among them that led to no entry."""

    payments: int = 0
    entries: int = 0
    events: int = 0
    attempts: int = 0
    idle: int = 0

    def add(self, family: Family) -> None:
        """Count a payment."""
        self.payments += 1
        self.entries += len(family.entries)
        self.events += sum(event.erased_at is None for event in family.events)
        self.attempts += len(family.attempts)

    def __iadd__(self, other: Emptied) -> Self:
        """Both together."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        return self

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.payments or self.idle)


_ASKS = {
    Status.QUEUED: "is in line and goes by itself: try again once it is in Luminate",
    Status.POSTING: "is being sent right now: try again once it is in Luminate",
    Status.RETRYING: "is sent again by itself: try again once it is in Luminate",
    Status.WAITING: "is a refund that waits for its gift: see to the gift, or close it",
    Status.HELD: "is held: send it or close it",
    Status.REJECTED: "was refused by Luminate: correct it or close it",
    Status.UNKNOWN: "may or may not be in Luminate: find out, then resolve it",
}


def obstacles(family: Family) -> Iterator[tuple[int, str]]:
    """What must be settled first: the entry, and what about it."""
    for entry in family.entries:
        if entry.status not in FINAL:
            yield entry.id, _ASKS[entry.status]
    for attempt in family.attempts:
        if attempt.finished_at is None:
            yield attempt.entry_id, "has a call whose outcome is not known: relay writes it down within minutes"
    for proposal in family.proposals:
        if erasing.is_waiting(proposal):
            yield proposal.entry_id, f"has a correction that waits for a second person: decide proposal {proposal.id}"
    for number in family.planned:
        yield number, "is part of a replay that is not over: let it end, or cancel it"


def is_settled(family: Family) -> bool:
    """Whether nothing of the payment waits for anybody."""
    return next(obstacles(family), None) is None


def is_due(family: Family, before: datetime) -> bool:
    """Whether it was settled before then, has nothing to look at, and is not erased yet."""
    kept = all(entry.erased is not Erased.DONOR and not entry.flag for entry in family.entries)
    new = any(entry.erased is Erased.NOTHING for entry in family.entries)
    return kept and new and is_settled(family) and _newest(family) < before


def _newest(family: Family) -> datetime:
    """When something last happened to the payment."""
    moments: list[datetime] = [entry.changed_at for entry in family.entries]
    moments += [event.received_at for event in family.events]
    moments += [attempt.finished_at or attempt.started_at for attempt in family.attempts]
    moments += [correction.at for correction in family.corrections]
    return max(moments)


def empty(tx: Connection, family: Family, level: Erased, funds: Collection[str], now: datetime) -> None:
    """Erase what this level erases. Raises ErasingRefused where somebody was first; then nothing may be committed."""
    erasing.thoroughly(tx)
    for entry in family.entries:
        if not _is_done(entry, level):
            kept = forgetting.of_entry(entry, level, funds)
            if not entries.change(tx, entry, now, **kept, erased_at=now):
                raise ErasingRefused(f"entry {entry.id} was changed by somebody else meanwhile")
    for attempt in family.attempts:
        words = attempt.reason_text if level is Erased.AGE else ""
        parameters = forgetting.of_call(attempt.parameters, Erased.DONOR)
        erasing.empty_attempt(tx, attempt.id, parameters=parameters, reason_text=words)
    _empty_history(tx, family, level)
    erasing.empty_events(tx, _own_events(family, level), now)
    if level is Erased.DONOR:
        erasing.rewrite_notes(tx, [event.id for event in family.events if event.note], forgetting.WORDS)


def _is_done(entry: Entry, level: Erased) -> bool:
    return entry.erased in {level, Erased.DONOR}


def _empty_history(tx: Connection, family: Family, level: Erased) -> None:
    for one in (each for each in family.corrections if each.action != ERASE):
        sides: dict[str, Any] = {side: forgetting.of_change(getattr(one, side), level) for side in ("before", "after")}
        erasing.rewrite_correction(tx, one.id, reason=forgetting.of_reason(one.reason, level), **sides)
    for proposal in family.proposals:
        changes = forgetting.of_proposal(proposal.changes)
        reason = forgetting.of_reason(proposal.reason, level)
        erasing.rewrite_proposal(tx, proposal.id, changes=changes, reason=reason)


def _own_events(family: Family, level: Erased) -> list[int]:
    """Its events; by age not those that speak of a payment that still needs them."""

    def is_needed(number: int) -> bool:
        return level is Erased.AGE and any(other.erased == Erased.NOTHING for other in family.others.get(number, ()))

    return [event.id for event in family.events if event.erased_at is None and not is_needed(event.id)]
