"""JSON whose numbers are money: read exactly, never through a float.

A number with a point becomes a Decimal; one with an exponent stays the text it was, which no amount is read from.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from relay.errors import MoneyError, NotUnderstood, Unreadable
from relay.money import Money, parse_currency
from relay.providers import letters
from relay.providers.base import MAX_DEPTH, depth


def read_exact(body: bytes) -> Any:
    """The JSON value in the body, with exact numbers and without NUL characters.

    Raises Unreadable when it is no JSON, NotUnderstood when it nests deeper than MAX_DEPTH.
    """
    try:
        # The strict reader first: no NaN, no half letters, no endless nesting.
        strict, body = letters.read(body)
        deep = depth(strict)
        exact = json.loads(body, parse_float=_number) if deep <= MAX_DEPTH else None
    except ValueError:
        raise Unreadable("the body is not JSON") from None
    if deep > MAX_DEPTH:
        raise NotUnderstood(f"the body nests deeper than {MAX_DEPTH} levels")
    return letters.without_nul(exact)


def read_exact_object(body: bytes) -> dict[str, Any]:
    """The same, where only a JSON object will do. Raises Unreadable for anything else."""
    value = read_exact(body)
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    return value


def _number(text: str) -> Decimal | str:
    return text if "e" in text.lower() else Decimal(text)


def plain(value: Any) -> Any:
    """The same value as the ledger keeps it: a Decimal as its text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def major(value: object, currency: object) -> Money:
    """An amount in currency units: a decimal text, or a JSON number read exactly. Raises MoneyError."""
    return Money.parse(value.strip() if isinstance(value, str) else value, currency)


def minor(value: object, currency: object) -> Money:
    """An amount in the currency's smallest unit (ISO 4217), a whole number. Raises MoneyError."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 17:
        value = int(value)
    if type(value) is not int:
        raise MoneyError("the amount is missing or not a whole number")
    return Money(value, parse_currency(currency))


def major_or_none(value: object, currency: object) -> Money | None:
    """An amount in currency units, where a missing or odd one does no harm."""
    try:
        return major(value, currency)
    except MoneyError:
        return None
