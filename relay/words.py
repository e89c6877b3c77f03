"""What a person reads about an entry: money, dates, outcomes, flags. Tables, no logic of their own.

What to do next is in relay.advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from relay.luminate.problems import label
from relay.money import Money, exponent
from relay.status import Erased, Outcome

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

# What is erased of an entry, as its story tells it.
ERASED: Mapping[Erased, str] = {
    Erased.AGE: "What came in and what was sent is erased, as long ago as it was settled; the gift itself is kept.",
    Erased.DONOR: "The donor is erased: their name, address and all that told of them; the money is kept.",
}
ERASED_EVENT = "What it held is erased."

# How far Luminate's date is from the donor's (relay.dates.Late).
LATE: Mapping[str, str] = {"month": "month", "year": "fiscal year"}

OUTCOMES: Mapping[str, str] = {
    Outcome.POSTED: "recorded",
    Outcome.REJECTED: "refused",
    Outcome.NOT_SENT: "not sent",
    Outcome.BLOCKED: "not let in",
    Outcome.UNKNOWN: "unknown",
}
