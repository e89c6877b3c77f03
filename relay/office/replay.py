"""What a replay of an entry would do, and why some are never sent again: rules for ``plans.py``, without a database."""

from __future__ import annotations

from dataclasses import dataclass

from relay.ledger.entries import Entry
from relay.ledger.funds import WithFunds
from relay.office.remapping import effect, mapped
from relay.status import REPLAYABLE, Kind, Status

_WHY_NOT = {
    Status.POSTED: "it is in Luminate already",
    Status.POSTING: "a call is under way",
    Status.QUEUED: "it is in line already",
    Status.WAITING: "it waits for its gift and goes by itself",
    Status.UNKNOWN: "Luminate may have it; look there first",
    Status.CLOSED: "it is closed; reopen it first",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """What a replay would do with one entry: ``refused`` is empty or says why it stays as it is."""

    entry: Entry
    refused: str
    effect: str


def planned(entry: Entry, organization: WithFunds) -> Planned:
    """What a replay would do with this entry today."""
    if refused := _never(entry):
        return Planned(entry, refused, "")
    if entry.kind is Kind.REFUND:
        return Planned(entry, "", effect(entry, entry.parameters))
    columns = mapped(entry, organization, entry.overrides, mail=False, proven=True)
    if columns["status"] is Status.HELD:
        return Planned(entry, f"it would be held again: {columns['reason_text']}", "")
    return Planned(entry, "", effect(entry, columns["parameters"]))


def _never(entry: Entry) -> str:
    if entry.merged_into is not None:
        return f"it is the same payment as entry {entry.merged_into}"
    if entry.status not in REPLAYABLE:
        return _WHY_NOT[entry.status]
    if entry.erased and entry.kind is not Kind.REFUND:
        return "what Luminate would be told of it is erased; record it in Luminate by hand and say so with its code"
    return "" if entry.fact else "nothing is known of its gift; record it in Luminate by hand and say so with its code"
