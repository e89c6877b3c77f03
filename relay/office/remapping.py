"""An entry mapped again by today's configuration, because a person corrected or replays it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from relay import words
from relay.config import Organization
from relay.errors import ReplayRefused
from relay.inbound import refunding
from relay.inbound.booking import HELD_BY_PERSON
from relay.inbound.giving import gift_columns
from relay.ledger import entries
from relay.ledger.codec import gift_from_json
from relay.ledger.entries import Entry
from relay.ledger.funds import WithFunds, with_funds
from relay.office.acting import Act, existing
from relay.status import Kind, Status


def remap(act: Act, changes: dict[str, Any]) -> Status:
    """Map an entry again by today's configuration, with ``changes`` to its row, and write down who asked."""
    entry, now = act.entry, act.now
    columns: dict[str, Any] = changes | _columns(act, changes)
    target = Status(columns.pop("status"))
    columns |= {"next_attempt_at": now, "not_sent": 0}
    done = (
        entries.change(act.tx, entry, now, **columns)
        if target is entry.status
        else entries.move(act.tx, entry, target, now, **columns)
    )
    if not done:
        raise ReplayRefused(f"entry {entry.id} was changed by somebody else meanwhile")
    target = existing(act.tx, entry.id).status
    after = {"status": target, "parameters": columns.get("parameters", {})}
    act.written({"status": entry.status, "parameters": dict(entry.parameters)}, after)
    return target


def _columns(act: Act, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A person who replays it is the proof it waited for; a correction of its data is none."""
    entry, mail = act.entry, bool(changes.get("mail", act.entry.mail))
    if entry.kind is Kind.REFUND:
        return refunding.again(act.desk, entry, mail=mail)
    overrides = changes.get("overrides", entry.overrides)
    mapping = with_funds(act.tx, act.desk.organization)
    return mapped(entry, mapping, overrides, mail=mail, proven=act.action == "replay")


def mapped(
    entry: Entry, organization: WithFunds, overrides: Mapping[str, str], *, mail: bool, proven: bool
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


def effect(entry: Entry, parameters: Mapping[str, str]) -> str:
    """What the next call with these parameters will be, in words, before it is made."""
    if entry.kind is Kind.REFUND:
        return f"will send one refundOfflineDonation of {words.money(entry.amount)}"
    form = f" to form {parameters['form_id']}" if parameters.get("form_id") else ""
    return f"will send one addOfflineDonation of {words.money(entry.amount)}{form}"


def mails(organization: Organization, kind: Kind) -> bool:
    """Whether the organization lets Luminate mail the donor of such an entry, where somebody asks for it."""
    told = organization.mail
    return told.refund if kind is Kind.REFUND else told.receipt or told.registration
