"""Reading the JSON that a test posts: each field has a reader, and whatever does not fit is a sentence for a person."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from .money import parse_amount

Reader = Callable[[str, Any], Any]


class Refused(ValueError):
    """The posted JSON is not usable; the text is a sentence that says what would be."""


def text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(f"{where} must be a text.")
    return value


def flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"{where} must be true or false.")
    return value


def whole(where: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(f"{where} must be a whole number, 0 or more.")
    return value


def number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise Refused(f"{where} must be a number, 0 or more.")
    return float(value)


def share(where: str, value: Any) -> float:
    found = number(where, value)
    if found > 1:
        raise Refused(f"{where} must be a number from 0 to 1.")
    return found


def money(where: str, value: Any) -> int:
    """Minor units of a text like "25.00"; a JSON number would be a float and is refused."""
    minor = parse_amount(value) if isinstance(value, str) else None
    if minor is None:
        raise Refused(f'{where} must be an amount as a text, for example "25.00".')
    return minor


def one_of(*allowed: str) -> Reader:
    def read(where: str, value: Any) -> str:
        if value not in allowed:
            raise Refused(f"{where} must be one of {', '.join(allowed)}.")
        return str(value)

    return read


def maybe(reader: Reader) -> Reader:
    return lambda where, value: None if value is None else reader(where, value)


def many(reader: Reader) -> Reader:
    def read(where: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Refused(f"{where} must be a list.")
        return tuple(reader(f"{where}[{n}]", one) for n, one in enumerate(value))

    return read


def network(where: str, value: Any) -> str:
    """An address or a range in CIDR form."""
    try:
        return str(ipaddress.ip_network(text(where, value), strict=False))
    except ValueError:
        raise Refused(f'{where} must be an address or a range, for example "203.0.113.0/24".') from None


def texts(where: str, value: Any) -> dict[str, str]:
    return {name: text(f"{where}.{name}", one) for name, one in mapping(where, value).items()}


def mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{where} must be a JSON object.")
    return value


def fields(where: str, value: Any, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The posted fields, each read by its reader; an unknown one is refused."""
    found = mapping(where, value)
    for name in found:
        if name not in readers:
            raise Refused(f"{where} has no field {name!r}; it has {', '.join(readers)}.")
    return {name: readers[name](f"{where}.{name}", one) for name, one in found.items()}
