"""An entry mapped again by today's configuration, because a person corrected or replays it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from relay import refunding
from relay.access import Actor
from relay.acting import existing, written
from relay.booking import HELD_BY_PERSON
from relay.config import Organization
from relay.errors import ReplayRefused
from relay.giving import gift_columns
from relay.ledger import entries
from relay.ledger.codec import gift_from_json
from relay.ledger.entries import Entry
from relay.refunding import Desk
from relay.status import Kind, Status


def remap(desk: Desk, entry: Entry, actor: Actor, action: str, reason: str, changes: dict[str, Any]) -> Status:
    """Map an entry again by today's configuration, with ``changes`` to its row, and write down who asked."""
    columns: dict[str, Any] = changes | _columns(desk, entry, changes, proven=action == "replay")
    target = Status(columns.pop("status"))
    due = {"next_attempt_at": desk.now, "not_sent": 0}
    done = (
        entries.change(desk.tx, entry, desk.now, **columns, **due)
        if target is entry.status
        else entries.move(desk.tx, entry, target, desk.now, **columns, **due)
    )
    if not done:
        raise ReplayRefused(f"entry {entry.id} was changed by somebody else meanwhile")
    target = existing(desk.tx, entry.id).status
    after = {"status": target, "parameters": columns.get("parameters", {})}
    before = {"status": entry.status, "parameters": dict(entry.parameters)}
    written(desk, entry, actor, action, reason, before, after)
    return target


def _columns(desk: Desk, entry: Entry, changes: Mapping[str, Any], *, proven: bool) -> dict[str, Any]:
    """``proven``: a person replays it, and that is the proof it waited for; a correction of its data is none."""
    mail = bool(changes.get("mail", entry.mail))
    if entry.kind is Kind.REFUND:
        return refunding.again(desk, entry, mail=mail)
    overrides = changes.get("overrides", entry.overrides)
    return mapped(entry, desk.organization, overrides, mail=mail, proven=proven)


def mapped(
    entry: Entry, organization: Organization, overrides: Mapping[str, str], *, mail: bool, proven: bool
) -> dict[str, Any]:
    """A gift mapped by today's configuration."""
    gift = gift_from_json(entry.fact)
    gift = replace(gift, hold="") if proven else gift
    overrides = dict(overrides)
    if proven and entry.reason == "other_fiscal_year":
        overrides["fiscal_year"] = "accepted"
    columns = gift_columns(gift, organization, entry.provider, mail=mail, overrides=overrides)
    if not proven and entry.reason in HELD_BY_PERSON:  # put right, and still for a person to release
        columns |= {"status": entry.status, "reason": entry.reason, "reason_text": entry.reason_text}
    return columns | {"overrides": overrides}


def still_wrong(entry: Entry, organization: Organization) -> str:
    """Why a replay would only hold a gift again; "" if it would be sent."""
    columns = mapped(entry, organization, entry.overrides, mail=False, proven=True)
    return str(columns["reason_text"]) if columns["status"] is Status.HELD else ""


def effect(entry: Entry, organization: Organization, *, mail: bool) -> str:
    """What the next call will be, in words, before it is made."""
    is_refund, told = entry.kind is Kind.REFUND, organization.mail
    method = "refundOfflineDonation" if is_refund else "addOfflineDonation"
    mails = told.refund if is_refund else told.receipt or told.registration
    donor = "Luminate may e-mail the donor" if mail and mails else "will not e-mail the donor"
    return f"will send one {method} of {entry.amount}; {donor}"
