"""Strict marshmallow fields for relay's own format: nothing is guessed, cut or rounded.

marshmallow's own take more than they should: Decimal rounds "10.005" and reads "1e5", Bool takes "on", Integer
makes 5 of 5.7, String takes bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load

MAX_TEXT = 1000
MAX_IDENT = 255
MAX_ITEMS = 50
_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,4})?", re.ASCII)


T = TypeVar("T")
Messages = dict[str, str | list[Any] | dict[Any, Any]]


class Strict(fields.Field[T]):
    """A field that takes one kind of value; ``odd`` says which to those who sent another."""

    default_error_messages: Messages = {"required": "is missing"}  # noqa: RUF012  # typed so by marshmallow
    odd: ClassVar[str]

    def read(self, value: Any) -> T:
        """The value, or ValueError."""
        raise NotImplementedError

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> T:  # noqa: ARG002  # marshmallow's
        try:
            return self.read(value)
        except ValueError:
            raise ValidationError(self.odd) from None


class Words(Strict[str]):
    """A text, trimmed."""

    odd = f"must be a text of at most {MAX_TEXT} characters"

    def read(self, value: Any) -> str:
        """Any text; a blank one never comes here."""
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise ValueError
        return value.strip()


class Ident(Strict[str]):
    """An id: a text or a whole number."""

    odd = f"must be a text or a whole number of at most {MAX_IDENT} characters"

    def read(self, value: Any) -> str:
        """The id as a text."""
        found = str(value).strip() if isinstance(value, str) or type(value) is int else ""
        if not 0 < len(found) <= MAX_IDENT:
            raise ValueError
        return found


class Amount(Strict[str]):
    """A decimal text, not below zero. JSON numbers are refused: 0.1 has no exact one."""

    odd = 'must be a decimal text such as "25.00"'

    def read(self, value: Any) -> str:
        """The text; the currency that makes it money stands elsewhere."""
        if not isinstance(value, str) or not _AMOUNT.fullmatch(value.strip()):
            raise ValueError
        return value.strip()


class YesNo(Strict[bool]):
    """true or false, nothing that looks like it."""

    odd = "must be true or false"

    def read(self, value: Any) -> bool:
        """The very value."""
        if not isinstance(value, bool):
            raise ValueError  # noqa: TRY004  # one error for all that is odd
        return value


class Month(Strict[int]):
    """1 to 12."""

    odd = "must be a month, 1 to 12"

    def read(self, value: Any) -> int:
        """The very number."""
        if type(value) is not int or not 1 <= value <= 12:
            raise ValueError
        return value


class Year(Strict[int]):
    """A year in four digits."""

    odd = "must be a year in four digits"

    def read(self, value: Any) -> int:
        """The very number."""
        if type(value) is not int or not 2000 <= value <= 2199:
            raise ValueError
        return value


class When(Strict[datetime]):
    """An ISO 8601 time that names its zone."""

    odd = 'must be a time with its zone, such as "2026-01-31T09:30:00Z"'

    def read(self, value: Any) -> datetime:
        """The time as aware UTC."""
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError
        try:
            return found.astimezone(UTC)
        except OverflowError:
            raise ValueError from None


class Part(Schema):
    """An object of the format: unknown fields are let through, null and "" mean "not said"."""

    error_messages = {"type": "must be an object"}  # noqa: RUF012  # marshmallow's own way to say it

    class Meta:
        """Every nested schema needs its own: marshmallow does not hand this down."""

        unknown = EXCLUDE

    @pre_load
    def drop_blanks(self, data: Any, **_: Any) -> Any:
        """Leave out what says nothing."""
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None and not _is_blank(value)}


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def listed(inner: fields.Field[Any]) -> fields.List[Any]:
    """A list of at most MAX_ITEMS."""
    return fields.List(inner, validate=_few, error_messages={"invalid": "must be a list"})


def _few(items: list[Any]) -> None:
    if len(items) > MAX_ITEMS:
        raise ValidationError(f"has more than {MAX_ITEMS} items")


def problems_of(messages: Any, path: str = "") -> list[str]:
    """Every problem of a ValidationError as "data.donor.email: must be a text". Values never appear."""
    if isinstance(messages, dict):
        return [problem for key, inner in messages.items() for problem in problems_of(inner, _join(path, key))]
    found = messages if isinstance(messages, list) else [messages]
    return [f"{path}: {message}" for message in found]


def _join(path: str, key: object) -> str:
    if key == "_schema":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
