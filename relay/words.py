"""What a person reads about an entry: money, dates, reasons, flags, and what to do next. Tables, no logic of their own.

Every reason code that the ledger can hold has a line in NEXT, or falls back on the line of its status.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from relay.luminate.problems import label
from relay.money import Money, exponent
from relay.status import Outcome, Status

_LOCALE = "en_US"


def money(amount: Money) -> str:
    """``$1,234.00``; a currency without a sign of its own keeps its code."""
    shown = format_currency(
        amount.decimal, amount.currency, locale=_LOCALE, currency_digits=False, format=_pattern(amount)
    )
    return shown.replace(amount.currency, f"{amount.currency} ")


def _pattern(amount: Money) -> str:
    decimals = exponent(amount.currency)
    return "¤#,##0" + (f".{'0' * decimals}" if decimals else "")


def number(amount: Money) -> str:
    """``1,234.00``: the amount alone, where the currency is told beside it."""
    return format_decimal(amount.decimal, format=_pattern(amount).removeprefix("¤"), locale=_LOCALE)


def day(moment: datetime, zone: tzinfo) -> str:
    """``30 December 2025`` in the organization's time zone."""
    return format_date(moment.astimezone(zone), "d MMMM y", locale=_LOCALE)


def minute(moment: datetime, zone: tzinfo) -> str:
    """``30 December 2025, 16:05 CST``."""
    return format_datetime(moment, "d MMMM y, HH:mm z", tzinfo=zone, locale=_LOCALE)


def short_minute(moment: datetime, zone: tzinfo) -> str:
    """``2025-12-30 16:05``: for a table."""
    return format_datetime(moment, "yyyy-MM-dd HH:mm", tzinfo=zone, locale=_LOCALE)


def count(amount: int, one: str, many: str = "") -> str:
    """``1 gift``, ``2 gifts``, ``1,200 entries``."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def parameter(name: str) -> str:
    """What a person calls one of Luminate's parameters; a share keeps the number that ties its parts together."""
    family, _, rest = name.partition(".")
    if not family.startswith("designated") or "." not in rest:
        return label(name).removeprefix("the ")
    place, _, part = rest.partition(".")
    kind = "designation" if family == "designated" else "write-in designation"
    return f"{kind} {place}: {_SHARE.get(part, part)}"


_SHARE = {"id": "designee", "amount": "amount", "name": "name", "contact": "contact"}

# What Luminate's answer to a posted entry leaves to look at; relay.luminate.outcomes writes the codes.
FLAGS: Mapping[str, str] = {
    "amount_differs": "Luminate recorded another amount than the donor paid: compare the two and correct it there.",
    "amount_not_shown": "Luminate did not say which amount it recorded: look once.",
    "errors_beside_donation": "Luminate recorded the gift and spoke of errors as well: look once.",
    "code_of_another_gift": "Its confirmation code is another donor's: find its own gift in Luminate before "
    "any refund, and record it there by hand if there is none.",
    "shape_not_documented": "Luminate's answer to a refund is not documented; it was read as a success and is kept.",
}

# How far Luminate's date is from the donor's (relay.dates.Late).
LATE: Mapping[str, str] = {"month": "month", "year": "fiscal year"}

OUTCOMES: Mapping[str, str] = {
    Outcome.POSTED: "recorded",
    Outcome.REJECTED: "refused",
    Outcome.NOT_SENT: "not sent",
    Outcome.BLOCKED: "not let in",
    Outcome.UNKNOWN: "unknown",
}

# What happens next, by status; {id} is the entry's number. A reason in NEXT says it better.
NEXT_BY_STATUS: Mapping[Status, str] = {
    Status.HELD: "Mend what is named above, then `flask replay {id}`; or end it with `flask close {id}`.",
    Status.WAITING: "relay sends it by itself as soon as its gift is in Luminate.",
    Status.QUEUED: "relay sends it by itself.",
    Status.POSTING: "The call is under way; relay writes down the answer by itself.",
    Status.RETRYING: "relay tries again by itself.",
    Status.UNKNOWN: "Never send it again without proof. Look for it in Luminate: if it is there, "
    "`flask resolve {id} --found CODE` with its confirmation code; if it surely is not, `flask resolve {id} --absent`.",
    Status.REJECTED: "Read what Luminate says, correct it with `flask correct {id} FIELD=VALUE`; "
    "if the fault was in Luminate's settings, mend it there and `flask replay {id}`.",
    Status.POSTED: "Nothing: it is done.",
    Status.CLOSED: "Nothing: it is ended. `flask reopen {id}` takes that back.",
}

_CORRECT = "`flask correct {id} %s --reason ...` and relay sends it."
_CONFIGURE = " Then `flask replay {id}`; for all of that kind, `flask replay --reason-code %s`."

_ASKS = frozenset({Status.HELD, Status.WAITING, Status.REJECTED, Status.UNKNOWN})
# Reason code left, what a person does about it right.
NEXT: Mapping[str, str] = {
    # held by the mapping (relay.luminate.problems)
    "not_positive": "No such gift can be recorded: close it with `flask close {id}`.",
    "other_currency": "Luminate has no currencies: record it there by hand in its own, then `flask close {id}`.",
    "no_email": "Ask the donor or look at the provider, then " + _CORRECT % "donor.email=ADDRESS",
    "email_invalid": "Find the right address, then " + _CORRECT % "donor.email=ADDRESS",
    "field_missing": "Fill in what is missing: " + _CORRECT % "FIELD=VALUE",
    "field_invalid": "Put the value right: " + _CORRECT % "FIELD=VALUE",
    "fund_not_mapped": "Add the fund to the organization's table of funds."
    + _CONFIGURE % "fund_not_mapped"
    + " For this one alone, "
    + _CORRECT % "fund=CODE",
    "designation_missing": "Give every part of the gift a designee: " + _CORRECT % "fund=CODE",
    "cents_in_designation": "Choose a rule for cents (`whole_units`)." + _CONFIGURE % "cents_in_designation",
    "shares_do_not_add_up": "The provider's shares are not the gift: " + _CORRECT % "fund=CODE",
    "forms_differ": "The funds belong to different forms; choose one: " + _CORRECT % "fund=CODE",
    "other_fiscal_year": "Luminate dates a gift by its arrival: decide with finance. `flask replay {id}` sends it into "
    "this fiscal year; or record it there by hand, then `flask close {id}`.",
    # held by the booking
    "closed_before": "A person closed this payment before. If it shall be sent after all, `flask replay {id}`; "
    "else `flask close {id}`.",
    "needs_proof": "See at the provider whether the money came; if so, `flask replay {id}`, else `flask close {id}`.",
    "names_no_payment": "Find its gift at the provider and refund it in Luminate by hand, then `flask close {id}`.",
    "more_than_left": "Compare the refunds of this gift at the provider and in Luminate, then `flask close {id}`.",
    "other_login": "Refund it in Luminate by hand, or with the account that added it, then `flask close {id}`.",
    "money_came_back": "Luminate cannot undo a refund. `flask replay {id}` records the money as a gift once more; "
    "if somebody has recorded it there by hand, `flask close {id}`.",
    "reopened": "`flask replay {id}` sends it; `flask close {id}` ends it again.",
    # waiting
    "gift_not_seen": "It waits for the event of its gift. If the gift was before relay's time, refund it in Luminate "
    "by hand and `flask close {id}`.",
    "gift_not_posted": "relay sends it by itself as soon as its gift is in Luminate; see to the gift.",
    # after an attempt
    "not_reachable": "See with `flask doctor` whether Luminate can be reached, then `flask replay {id}`.",
    "several_constituents": "Merge the donor's records in Luminate, or say which one it is: "
    + _CORRECT % "donor.cons_id=NUMBER",
    "several_records": "Merge the donor's records in Luminate, or say which one it is: "
    + _CORRECT % "donor.cons_id=NUMBER",
    "no_constituent": "The constituent id is wrong; take it away: " + _CORRECT % "donor.cons_id=",
    "email_taken": "Another constituent has this address; say which one it is: " + _CORRECT % "donor.cons_id=NUMBER",
    "constituent_exists": "Say which constituent it is: " + _CORRECT % "donor.cons_id=NUMBER",
    "card_declined": "An offline gift has no card to decline: check the form in Luminate, then `flask replay {id}`.",
    # after a look-up
    "answers_mixed_up": "It is in Luminate: never send it again. Find the other entry's own code there as well, then "
    "`flask close {id}` with both codes in the reason; refunds of the two are made in Luminate by hand.",
}


def next_step(status: Status, reason: str, entry: int) -> str:
    """What happens next, or what a person should do, in one or two sentences."""
    special = NEXT.get(reason) if status in _ASKS else None
    return (special or NEXT_BY_STATUS[status]).replace("{id}", str(entry))
