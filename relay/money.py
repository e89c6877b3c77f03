"""Money: integer minor units and a currency. No float ever comes near.

Parsing is exact or it raises: a text with more decimals than the currency has is a mistake of
somebody, not something to round. Splits always sum to the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from relay.errors import MoneyError


def _exponents(codes: str, decimals: int) -> dict[str, int]:
    return dict.fromkeys(codes.split(), decimals)


# ISO 4217 exponents that are not 2. Providers that write a currency otherwise convert in their own file.
EXPONENTS = _exponents("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0) | (
    _exponents("BHD IQD JOD KWD LYD OMR TND", 3) | {"CLF": 4, "UYW": 4}
)
# Larger than any gift, small enough for a 64-bit column.
MAX_MINOR = 10**15
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,16}(\.\d{1,8})?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount: ``minor`` units (cents for USD) of a three-letter ISO 4217 ``currency``."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not an integer of a sane size in a well-formed currency."""
        if type(self.minor) is not int or abs(self.minor) > MAX_MINOR:
            raise MoneyError("amount is not a whole number of minor units within range")
        if not _CURRENCY.fullmatch(self.currency):
            raise MoneyError("currency is not a three-letter code")

    @classmethod
    def parse(cls, text: object, currency: object) -> Money:
        """Read a decimal text ("12.34", Decimal or int; never float) in major units.

        Raises MoneyError when it is not a plain decimal or has more decimals than the currency.
        """
        code = parse_currency(currency)
        if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
            raise MoneyError("amount is not a decimal text")
        digits = format(text, "f") if isinstance(text, Decimal) else str(text)
        if not _DECIMAL.fullmatch(digits):
            raise MoneyError("amount is not a plain decimal")
        scaled = Decimal(digits).scaleb(exponent(code))
        if scaled != scaled.to_integral_value():
            raise MoneyError(f"amount has more decimals than {code} has")
        return cls(int(scaled), code)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    @property
    def text(self) -> str:
        """The amount in major units as Luminate wants it: "1234.56", no currency, no thousands mark."""
        return format(self.decimal, "f")

    def __str__(self) -> str:
        """The amount with its currency: "1234.56 USD"."""
        return f"{self.text} {self.currency}"

    def __add__(self, other: Money) -> Money:
        """The sum; both must be of one currency."""
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """The difference; both must be of one currency."""
        return Money(self.minor - self._same(other), self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise MoneyError(f"cannot combine {self.currency} with {other.currency}")
        return other.minor

    @property
    def is_whole(self) -> bool:
        """Whether the amount has no fraction of a major unit."""
        return self.decimal == self.decimal.to_integral_value()

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Shares in proportion to ``weights``, by largest remainder; they sum to the whole exactly.

        Raises MoneyError for no weights, a negative one, or all zero.
        """
        total = sum(weights)
        if not weights or total <= 0 or min(weights) < 0:
            raise MoneyError("a split needs weights that are not negative and not all zero")
        shares, remainders = zip(*(divmod(self.minor * weight, total) for weight in weights), strict=True)
        left = self.minor - sum(shares)
        by_remainder = sorted(range(len(weights)), key=lambda place: (-remainders[place], place))
        extra = set(by_remainder[:left])
        return tuple(Money(share + (place in extra), self.currency) for place, share in enumerate(shares))


def exponent(currency: str) -> int:
    """How many decimals the currency has (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def parse_currency(value: object) -> str:
    """A three-letter code in upper case. Raises MoneyError for anything else."""
    code = value.strip().upper() if isinstance(value, str) else ""
    if not _CURRENCY.fullmatch(code):
        raise MoneyError("currency is not a three-letter code")
    return code


def sums(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """The sum in each currency, by its code."""
    found: dict[str, int] = {}
    for amount in amounts:
        found[amount.currency] = found.get(amount.currency, 0) + amount.minor
    return tuple(Money(found[currency], currency) for currency in sorted(found))
