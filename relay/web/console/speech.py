"""How pages speak: money, times, states and kinds, as filters of the templates; nothing here knows a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from relay import words
from relay.money import Money
from relay.status import Kind, Status, Verdict
from relay.web.console.blueprint import console

STATUS: Mapping[Status, str] = {
    Status.HELD: "Held",
    Status.WAITING: "Waits for its gift",
    Status.QUEUED: "In line",
    Status.POSTING: "Being sent",
    Status.RETRYING: "Tried again soon",
    Status.UNKNOWN: "Unknown",
    Status.REJECTED: "Refused",
    Status.POSTED: "In Luminate",
    Status.CLOSED: "Closed",
}
KIND: Mapping[str, str] = {
    Kind.GIFT: "Gift",
    Kind.REFUND: "Refund",
    Kind.REINSTATEMENT: "Money that came back",
    "chargeback": "Chargeback",
}
# The balance tells them apart: what came, what went back, what came back once more.
KINDS: Mapping[Kind, str] = {
    Kind.GIFT: "Gifts",
    Kind.REFUND: "Refunds and chargebacks",
    Kind.REINSTATEMENT: "Refunds that came back",
}
VERDICT: Mapping[Verdict, str] = {
    Verdict.ENTRY: "booked as gifts or refunds",
    Verdict.DUPLICATE: "told again",
    Verdict.IGNORED: "not about money",
    Verdict.FLAGGED: "to look at",
    Verdict.NOT_UNDERSTOOD: "not understood",
    Verdict.PENDING: "waits for the provider",
}
_AGES = ((86400, "day"), (3600, "hour"), (60, "minute"))


@console.app_template_filter()
def money(amount: Money) -> str:
    """``$1,234.00``."""
    return words.money(amount)


@console.app_template_filter()
def minor(amount: int, currency: str) -> str:
    """The same of minor units."""
    return words.money(Money(amount, currency))


@console.app_template_filter()
def minute(moment: datetime | None, zone: tzinfo) -> str:
    """``30 December 2025, 16:05 CST``; nothing where it never was."""
    return words.minute(moment, zone) if moment else ""


@console.app_template_filter()
def short(moment: datetime | None, zone: tzinfo) -> str:
    """``2025-12-30 16:05``."""
    return words.short_minute(moment, zone) if moment else ""


@console.app_template_filter()
def day(moment: datetime | None, zone: tzinfo) -> str:
    """``30 December 2025``."""
    return words.day(moment, zone) if moment else ""


@console.app_template_filter()
def counted(amount: int, one: str, many: str = "") -> str:
    """``1 gift``, ``1,200 gifts``."""
    return words.count(amount, one, many)


@console.app_template_filter()
def status(value: Status) -> str:
    """A state, on its badge."""
    return STATUS[value]


@console.app_template_filter()
def age(moment: datetime) -> str:
    """``3 days ago``."""
    return f"{lasted(moment)} ago"


def lasted(moment: datetime) -> str:
    """``3 days``: how long ago, in the largest unit that fits."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    found = next(((int(seconds // size), unit) for size, unit in _AGES if seconds >= size), None)
    return words.count(*found) if found else "less than a minute"


def kind_of(kind: Kind, refund_reason: str) -> str:
    """What an entry is; a refund that the bank took is a chargeback."""
    return KIND.get(refund_reason) or KIND[kind]


def some(counts: Mapping[Kind, int]) -> str:
    """``3 gifts and 1 refund``."""
    named = {Kind.GIFT: "gift", Kind.REFUND: "refund", Kind.REINSTATEMENT: "refund that came back"}
    said = [words.count(counts[kind], word, _MANY.get(kind, "")) for kind, word in named.items() if counts.get(kind)]
    return " and ".join((", ".join(said[:-1]), said[-1])) if len(said) > 1 else "".join(said) or "nothing"


_MANY: Mapping[Kind, str] = {Kind.REINSTATEMENT: "refunds that came back"}


def sums(amounts: Mapping[str, int]) -> str:
    """``$12.00 and €3.00``: minor units by currency."""
    largest = sorted(amounts.items(), key=lambda one: (-one[1], one[0]))
    return " and ".join(words.money(Money(minor, currency)) for currency, minor in largest)
