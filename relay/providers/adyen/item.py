"""One notification item of Adyen's, opened: what the handlers are given, and what they may answer.

Only eight fields of an item are signed (``relay/providers/adyen/signature.py``); nothing of ``additional`` is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from relay.errors import MoneyError, NotUnderstood
from relay.gifts import Fact, Flag
from relay.money import Money, exponent, parse_currency
from relay.providers.base import MAX_ID, dig, ident, present, text
from relay.providers.times import instant

# Decimals that Adyen writes where they are not those of ISO 4217 (https://docs.adyen.com/development-resources/currency-codes).
EXPONENTS = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2, "JPY": 0}


def money(amount: object) -> Money:
    """``{value, currency}`` in Adyen's minor units, exactly. Raises MoneyError."""
    value, code = dig(amount, "value"), parse_currency(dig(amount, "currency"))
    if type(value) is not int:
        raise MoneyError("the amount is missing or not a whole number")
    return Money.parse(Decimal(value).scaleb(-EXPONENTS.get(code, exponent(code))), code)


@dataclass(frozen=True, slots=True)
class Item:
    """One NotificationRequestItem; ``manual``: money counts when it is captured, ``unique``: so are references."""

    raw: dict[str, Any]
    manual: bool = False
    unique: bool = False

    @property
    def code(self) -> str:
        """The eventCode."""
        return text(self.raw.get("eventCode"))

    @property
    def happened(self) -> bool:
        """``success``, a text. Anything but "true" is no success."""
        told = self.raw.get("success")
        return told is True or told == "true"

    @property
    def own_id(self) -> str:
        """The pspReference. Raises NotUnderstood: money without an id could be booked twice."""
        if found := ident(self.raw.get("pspReference")):
            return found
        raise NotUnderstood(f"{self.code} carries no pspReference")

    @property
    def payment_id(self) -> str:
        """The pspReference of the payment that a later event is about; "" where Adyen leaves it out."""
        return ident(self.raw.get("originalReference"))

    @property
    def merchant_key(self) -> str:
        """The organization's own reference as an id of the payment, where it promised that each payment has its own."""
        account, reference = text(self.raw.get("merchantAccountCode")), text(self.raw.get("merchantReference"))
        key = f"merchant:{account}/{reference}"
        return key if self.unique and account and reference and len(key) <= MAX_ID else ""

    @property
    def dispute_keys(self) -> tuple[str, ...]:
        """Whatever leads from an event of a dispute to its payment. The dispute's own id ties those without one."""
        return present(self.payment_id, f"dispute:{self.own_id}"[:MAX_ID], self.merchant_key)

    @property
    def amount(self) -> Money:
        """The amount of this event. Raises MoneyError."""
        return money(self.raw.get("amount"))

    @property
    def amount_or_none(self) -> Money | None:
        """The same, only where there is something."""
        try:
            found = self.amount
        except MoneyError:
            return None
        return found if found.minor > 0 else None

    @property
    def additional(self) -> dict[str, Any]:
        """The additionalData, a flat object of texts. Not signed."""
        found = self.raw.get("additionalData")
        return found if isinstance(found, dict) else {}

    @property
    def at(self) -> datetime | None:
        """The eventDate."""
        return instant(self.raw.get("eventDate"))

    def flag(self, sentence: str, *parents: str, only_if_booked: bool = False) -> tuple[Fact, ...]:
        """Something for a person, about the payment."""
        keys = parents or present(self.payment_id)
        return (Flag(text=sentence, parent_keys=keys, only_if_booked=only_if_booked),)


# The facts, or a sentence that says why there are none.
Reading = tuple[Fact, ...] | str
Handler = Callable[[Item], Reading]
