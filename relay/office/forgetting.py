"""What is left of a payment once its payloads are erased: lists of what stays; whatever they do not name goes.

By age the donor's name and e-mail address stay, so that people find the gift and money that comes back can be given
again. Of a donor who is erased nothing stays that tells of them. Either way the amount, the ids, the confirmation code,
the status and the dates stay: the balance holds, and a refund needs no more. Rules, without a database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from relay.config.parameters import generic_name
from relay.gifts import Designation, Donor, Gift, Tender
from relay.ledger.codec import gift_from_json, refund_from_json, to_json
from relay.ledger.entries import Entry
from relay.status import Erased, Kind

# In place of what a person or Luminate wrote about a donor who is erased.
WORDS = "(erased)"
_CALL = frozenset(
    {
        "form_id", "level_id", "offline_payment_method", "other_amount", "center_id", "single_designated_id",
        "designated.X.id", "designated.X.amount", "designated_write_in.X.amount", "refund_amount",
        "refund_user_confirm_code", "send_receipt", "send_registration_email", "send_auto_responder",
    }
)  # fmt: skip
_NAMED = frozenset(
    {
        "donor.cons_id", "donor.email", "donor.name.first", "donor.name.middle", "donor.name.last", "source",
        "sub_source", "designated_write_in.X.name",
    }
)  # fmt: skip
_OWN = frozenset({"fund", "fiscal_year"})  # corrections that are no parameter
# Of the words that a correction found and left behind.
_STANDING = frozenset({"status", "confirmation_code"})


def of_entry(entry: Entry, level: Erased, funds: Collection[str]) -> dict[str, Any]:
    """The columns of an entry that change. ``funds``: the codes of the organization's map, which name no donor."""
    kept: dict[str, Any] = {
        "fact": _fact(entry, level, funds),
        "parameters": of_call(entry.parameters, level),
        "overrides": _overrides(entry, level, funds),
        "candidates": [],
        "erased": level,
    }
    if level is Erased.AGE:
        return kept
    return kept | {
        "donor_name": "",
        "donor_email": "",
        "fund": ", ".join(code for code in entry.fund.split(", ") if code in funds),
        "reason_text": WORDS if entry.reason_text else "",
    }


def _fact(entry: Entry, level: Erased, funds: Collection[str]) -> dict[str, Any]:
    """What the provider told, as far as refunds, totals and money that comes back go by it."""
    if not entry.fact:
        return {}
    if entry.kind is Kind.REFUND:
        return to_json(replace(refund_from_json(entry.fact), sources=()))
    return to_json(_gift(gift_from_json(entry.fact), level, funds))


def _gift(gift: Gift, level: Erased, funds: Collection[str]) -> Gift:
    known, is_named = gift.donor, level is Erased.AGE
    return Gift(
        keys=gift.keys,
        amount=gift.amount,
        occurred_at=gift.occurred_at,
        occurred_on=gift.occurred_on,
        donor=Donor(name=known.name, email=known.email, cons_id=known.cons_id) if is_named else Donor(),
        tender=Tender(kind=gift.tender.kind),
        designations=tuple(
            replace(part, contact="") if is_named else _nameless(part, funds) for part in gift.designations
        ),
        recurring=gift.recurring,
        fee=gift.fee,
    )


def _nameless(part: Designation, funds: Collection[str]) -> Designation:
    """A code of the map says where the money is; anything else a donor may have typed."""
    return Designation(fund=part.fund if part.fund in funds else "", amount=part.amount)


def _overrides(entry: Entry, level: Erased, funds: Collection[str]) -> dict[str, str]:
    own = {name: value for name, value in entry.overrides.items() if name in _OWN}
    if level is Erased.DONOR and own.get("fund", "") not in funds:
        own.pop("fund", None)
    return own | of_call(entry.overrides, level)


def of_call(parameters: Mapping[str, str], level: Erased) -> dict[str, str]:
    """What stays of a call to Luminate."""
    kept = _CALL | _NAMED if level is Erased.AGE else _CALL
    return {name: value for name, value in parameters.items() if generic_name(name) in kept}


def of_change(told: Mapping[str, Any], level: Erased) -> dict[str, Any]:
    """What stays of one side of a correction: statuses, and of parameters what stays of a call."""
    return {name: _of_value(name, value, level) for name, value in told.items()}


def _of_value(name: str, value: Any, level: Erased) -> Any:
    if isinstance(value, Mapping):
        return of_call(value, level)
    return value if level is Erased.AGE or name in _STANDING or not value else WORDS


def of_reason(text: str, level: Erased) -> str:
    """What stays of words that were written about an entry."""
    return WORDS if text and level is Erased.DONOR else text


def of_proposal(changes: Mapping[str, str]) -> dict[str, str]:
    """Which values somebody proposed to change, without the values."""
    return {name: WORDS if value else "" for name, value in changes.items()}
