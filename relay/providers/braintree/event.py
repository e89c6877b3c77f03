"""One notification of Braintree's: what the handlers are given, and what they may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.errors import MoneyError, NotUnderstood
from relay.gifts import Fact
from relay.money import Money
from relay.providers.base import dig, ident, text

NO_CURRENCY = "the transaction names no currency: set the option currency of this provider"


@dataclass(frozen=True, slots=True)
class Event:
    """The kind of a notification, its subject, its time, and the organization's options."""

    kind: str
    subject: dict[str, Any]
    created: datetime | None
    options: Mapping[str, str]

    def part(self, name: str) -> dict[str, Any] | None:
        """``subject.<name>``, where it is an object."""
        found = self.subject.get(name)
        return found if isinstance(found, dict) else None

    def money(self, of: dict[str, Any], name: str = "amount") -> Money:
        """An amount, a decimal text. Raises MoneyError, or NotUnderstood where nothing tells the currency."""
        currency = text(of.get("currency_iso_code")) or self.options.get("currency", "")
        if not currency:
            raise NotUnderstood(NO_CURRENCY)
        return Money.parse(text(of.get(name)), currency)

    def money_or_none(self, of: dict[str, Any], *names: str) -> Money | None:
        """The first of several amounts that is more than nothing."""
        for name in names:
            try:
                found = self.money(of, name)
            except (MoneyError, NotUnderstood):
                continue
            if found.minor > 0:
                return found
        return None


def id_of(one: object) -> str:
    """The id of a transaction or dispute. Raises NotUnderstood: money without an id could be booked twice."""
    if found := ident(dig(one, "id")):
        return found
    raise NotUnderstood("money without an id")


# The facts, or a sentence that says why there are none.
Reading = tuple[Fact, ...] | str
Handler = Callable[[Event], Reading]
