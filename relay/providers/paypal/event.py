"""One PayPal event, opened: its resource, its amounts, and what a handler may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from relay.errors import MoneyError, NotUnderstood
from relay.gifts import Fact
from relay.money import Money
from relay.providers.base import ident, text
from relay.providers.times import instant


@dataclass(frozen=True, slots=True)
class Event:
    """``resource`` of an event (or the same object as PayPal's API tells it), with the event's type and time.

    ``payer`` is the order, payment or subscription that knows the donor, where it was asked for.
    """

    type: str
    resource: dict[str, Any]
    created: datetime | None
    fund_from: str = "custom"
    payer: dict[str, Any] = field(default_factory=dict)

    @property
    def own_id(self) -> str:
        """The resource's own id. Raises NotUnderstood: money without an id could be booked twice."""
        if found := ident(self.resource):
            return found
        raise NotUnderstood(f"{self.type} carries a resource without an id")

    @property
    def status(self) -> str:
        """``status`` (version 2) or ``state`` (version 1), in small letters."""
        return status_of(self.resource)

    @property
    def when(self) -> datetime | None:
        """When it happened to the money."""
        return instant(self.resource.get("create_time")) or self.created


# The facts, or a sentence that says why there are none.
Reading = tuple[Fact, ...] | str
Handler = Callable[[Event], Reading]


def status_of(found: dict[str, Any]) -> str:
    """The status of a resource of either version."""
    return (text(found.get("status")) or text(found.get("state"))).lower()[:40]


def money(found: object) -> Money:
    """``{value, currency_code}`` (version 2) or ``{total, currency}`` (version 1), exactly. Raises MoneyError."""
    if not isinstance(found, dict):
        raise MoneyError("the amount is missing")
    amount = found.get("total") if found.get("value") is None else found["value"]
    currency = found.get("currency") if found.get("currency_code") is None else found["currency_code"]
    return Money.parse(amount.strip() if isinstance(amount, str) else amount, currency)


def taken_back(found: object) -> Money:
    """The amount of a refund: version 1 writes it with a minus. Raises MoneyError."""
    amount = money(found)
    return Money(abs(amount.minor), amount.currency)


def money_or_none(found: object) -> Money | None:
    """The same as ``money``, where a missing or odd amount does no harm."""
    try:
        return money(found)
    except MoneyError:
        return None
