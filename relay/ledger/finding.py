"""What a person types, as SQL: words, names, codes, amounts. Each is found by an index."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, and_, false, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from relay.language import amounts
from relay.ledger.findable import address_words, begins, cut, names
from relay.ledger.models import entries, payment_keys, refund_keys
from relay.money import EXPONENTS, Money, exponent

_SIGNS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
# A number with more digits is no entry's.
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Bound:
    """What an amount is held against: a sign ("" for exactly), and the number in each kind of currency."""

    sign: str
    amounts: tuple[Money, ...]


def within(organizations: tuple[str, ...]) -> ColumnElement[bool]:
    """The reach of whoever asks."""
    return entries.c.organization.in_(organizations)


def word(text: str) -> ColumnElement[bool]:
    """One word of a search: part of a name or address, an amount, an id or code; ``#12`` is a number of ours only."""
    number = text.removeprefix("#")
    is_number = number.isascii() and number.isdigit() and len(number) < _DIGITS
    if text.startswith("#") and is_number:
        return entries.c.id == int(number)
    found = [named(text), part_of_name(text), part_of_address(text), holds(Bound("", amounts(text)))]
    return or_(*found, entries.c.id == int(number)) if is_number else or_(*found)


def part_of_name(text: str) -> ColumnElement[bool]:
    """These words stand in a row in the donor's name; the last may go on."""
    return _begins(cut(text))


def part_of_address(text: str) -> ColumnElement[bool]:
    """These words stand in a row in the donor's e-mail address; the last may go on."""
    return _begins(address_words(text))


def _begins(words: list[str]) -> ColumnElement[bool]:
    return begins(entries.c.findable, words) if words else false()


def named(code: str) -> ColumnElement[bool]:
    """Whose id or code this is, whoever gave it: provider or Luminate."""
    payments = select(payment_keys.c.payment_id).where(payment_keys.c.key == code)
    refunds = select(refund_keys.c.entry_id).where(refund_keys.c.key == code)
    own = names(entries.c.findable, code)
    return or_(own, _among(entries.c.payment_id, payments), _among(entries.c.id, refunds))


def _among(column: ColumnElement[Any], ids: Select[Any]) -> ColumnElement[bool]:
    return _in(column, ids.scalar_subquery())


class _in(FunctionElement[bool]):  # noqa: N801  # a function of SQL
    """``column IN (SELECT ...)``, which PostgreSQL may answer from an index although it is one way of several (OR)."""

    inherit_cache = True
    type = Boolean()


@compiles(_in)
def _in_select(element: _in, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN {ids}"


@compiles(_in, "postgresql")
def _any_of_array(element: _in, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY (ARRAY{ids})"


def holds(bound: Bound) -> ColumnElement[bool]:
    """The amount, in each currency that has as many decimals; a number has other minor units in another."""
    compare = _SIGNS[bound.sign]
    return or_(
        false(),
        *(and_(compare(entries.c.amount, money.minor), _has_decimals(exponent(money.currency)))
          for money in bound.amounts),
    )  # fmt: skip


def _has_decimals(decimals: int) -> ColumnElement[bool]:
    if decimals == exponent("USD"):
        return entries.c.currency.not_in(list(EXPONENTS))
    return entries.c.currency.in_([code for code, number in EXPONENTS.items() if number == decimals])


def marked(column: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """A mark that is there ("yes"), is not ("no"), or is this one."""
    return column != "" if word == "yes" else column == ("" if word == "no" else word)
