"""Stripe's integer amounts to Money. Stripe counts some currencies in other units than ISO 4217 does.

https://docs.stripe.com/currencies#minor-units
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from relay.errors import MoneyError
from relay.money import Money, parse_currency
from relay.providers.base import dig

# Decimals that Stripe writes; every other currency has 2. ISK and UGX have none in ISO 4217, yet Stripe writes them
# with two, always 00 (https://support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds).
_CODES = {
    0: "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF",
    3: "BHD JOD KWD OMR TND",
}
EXPONENTS = {code: decimals for decimals, codes in _CODES.items() for code in codes.split()}


def money(amount: object, currency: object) -> Money:
    """An amount of Stripe's, exactly. Raises MoneyError when it is not a whole number of a known unit."""
    if type(amount) is not int:
        raise MoneyError("the amount is missing or not a whole number")
    code = parse_currency(currency)
    return Money.parse(Decimal(amount).scaleb(-EXPONENTS.get(code, 2)), code)


def money_or_none(amount: object, currency: object) -> Money | None:
    """The same, where a missing or odd amount does no harm."""
    try:
        return money(amount, currency)
    except MoneyError:
        return None


def above_zero(amount: object, currency: object) -> Money | None:
    """The same, only where there is something; the ledger takes no entry of nothing."""
    found = money_or_none(amount, currency)
    return found if found and found.minor > 0 else None


def fee_of(charge: dict[str, Any]) -> Money | None:
    """What Stripe kept: of an expanded balance transaction in the gift's currency, or ``fee`` (before 2014)."""
    settled = charge.get("balance_transaction")
    if isinstance(settled, dict):
        same = str(dig(settled, "currency")).lower() == str(charge.get("currency")).lower()
        return money_or_none(settled.get("fee"), settled.get("currency")) if same else None
    return money_or_none(charge.get("fee"), charge.get("currency"))
