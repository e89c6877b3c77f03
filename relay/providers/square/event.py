"""One Square event, opened: what the handlers are given, and what they may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.errors import MoneyError, NotUnderstood
from relay.gifts import Fact
from relay.money import Money
from relay.providers.base import dig, ident, text


@dataclass(frozen=True, slots=True)
class Event:
    """``data.object.<word>`` of an event, with its type, its time, and the field that holds the fund code."""

    type: str
    object: dict[str, Any]
    created: datetime | None
    fund_field: str = ""

    @property
    def own_id(self) -> str:
        """The object's id; disputes before 2021 called it ``dispute_id``. Raises NotUnderstood without one."""
        if found := ident(self.object) or ident(self.object.get("dispute_id")):
            return found
        raise NotUnderstood(f"{self.type} carries an object without an id")

    def money(self, name: str) -> Money:
        """An amount of the object. Raises MoneyError."""
        return money(self.object.get(name))


# The facts, or a sentence that says why there are none.
Reading = tuple[Fact, ...] | str
Handler = Callable[[Event], Reading]


def money(value: object) -> Money:
    """``{amount, currency}`` in the currency's smallest unit, as ISO 4217 has it. Raises MoneyError.

    https://developer.squareup.com/docs/build-basics/common-data-types/working-with-monetary-amounts
    """
    amount, currency = dig(value, "amount"), text(dig(value, "currency"))
    if type(amount) is not int:
        raise MoneyError("the amount is missing or not a whole number")
    return Money(amount, currency)


def money_or_none(value: object) -> Money | None:
    """The same, only where there is something; None where a missing or odd amount does no harm."""
    try:
        found = money(value)
    except MoneyError:
        return None
    return found if found.minor > 0 else None
