"""The language of the search box: words and ``field:value``, all joined by AND. Pure: nothing is looked up here.

A word is looked for in names, e-mail addresses, amounts and ids; a field says where. A field or value that is not
known is refused with the list of those that are, because a slip of the pen must never widen what a replay sends.
``str(parse(text))`` is the search in its plainest form, and parses to the same search.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from relay.config.problems import did_you_mean, listed
from relay.dates import Late
from relay.errors import SearchRefused
from relay.money import EXPONENTS, Money
from relay.status import NEEDS_A_PERSON, ON_ITS_WAY, Kind, Status

# Longer than any search a person types; a bound on what one request may cost.
LONGEST, MOST = 600, 24
# Words of the page that stand for several states.
GROUPS: Mapping[str, frozenset[Status]] = {"needs": NEEDS_A_PERSON, "way": ON_ITS_WAY}
STATUSES = (*GROUPS, *(status.value for status in Status))
LATE = ("yes", "no", *(late.value for late in Late if late))
_FIELD = re.compile(r"([A-Za-z_]+):", re.ASCII)
_DAY = re.compile(r"(19|2\d)\d\d(-\d\d(-\d\d)?)?", re.ASCII)
_AMOUNT = re.compile(r"(>=|<=|>|<|=)?\$?(\d{1,3}(?:,\d{3})+|\d{1,13})(\.\d{1,4})?", re.ASCII)
_NUMBER = re.compile(r"#?\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a search. ``field`` is "" for a word."""

    field: str
    value: str

    def __str__(self) -> str:
        """As it is typed; quoted where it must be."""
        bare = bool(self.value) and " " not in self.value and not self.value.startswith('"')
        if not self.field and _FIELD.match(self.value):
            bare = False
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return (f"{self.field}:" if self.field else "") + (self.value if bare else f'"{escaped}"')


@dataclass(frozen=True, slots=True)
class Search:
    """A search as it was understood."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        """The search as it is typed."""
        return " ".join(str(term) for term in self.terms)

    def all(self, field: str) -> tuple[str, ...]:
        """Every value of a field; of "" the words."""
        return tuple(term.value for term in self.terms if term.field == field)

    def one(self, field: str) -> str:
        """The value of a field that stands once, or ""."""
        return next(iter(self.all(field)), "")

    @property
    def nameless(self) -> Search:
        """The same with a star for every word that may be a donor's: for what is kept for ever."""
        return Search(tuple(term if _tells_no_name(term) else Term(term.field, "*") for term in self.terms))

    def plus(self, field: str, value: str) -> Search:
        """This search with one field set to a value, "" for none: what a link beside the box leads to."""
        kept = tuple(term for term in self.terms if term.field != field)
        return Search((*kept, Term(field, value)) if value else kept)


def _tells_no_name(term: Term) -> bool:
    if term.field in {"name", "email"}:
        return False
    return bool(term.field) or bool(_NUMBER.fullmatch(term.value) or _AMOUNT.fullmatch(term.value))


def parse(text: str) -> Search:
    """Read a search. Raises SearchRefused, with a sentence for the person who typed it, and nothing else."""
    clean = " ".join("".join(" " if _is_blank(sign) else sign for sign in text).split(" "))
    if len(clean) > LONGEST:
        raise SearchRefused(f"a search has at most {LONGEST} letters")
    terms = [Term(field, _read(field, value)) for field, value in _split(clean) if field or value]
    if len(terms) > MOST:
        raise SearchRefused(f"a search has at most {MOST} parts")
    _once(terms)
    return Search(tuple(dict.fromkeys(terms)))


def _is_blank(sign: str) -> bool:
    """Blanks, and what neither a page nor a database can hold."""
    return sign.isspace() or unicodedata.category(sign) in ("Cc", "Cs")


def _split(text: str) -> Iterable[tuple[str, str]]:
    place = 0
    while place < len(text):
        if text[place] == " ":
            place += 1
            continue
        named = _FIELD.match(text, place)
        field, start = (named[1].lower(), named.end()) if named else ("", place)
        value, place = _quoted(text, start + 1) if text[start : start + 1] == '"' else _bare(text, start)
        yield field, value


def _bare(text: str, start: int) -> tuple[str, int]:
    end = text.find(" ", start)
    end = len(text) if end < 0 else end
    return text[start:end], end


def _quoted(text: str, place: int) -> tuple[str, int]:
    """Up to the closing mark; one that is still to be typed stands at the end."""
    found = ""
    while place < len(text) and text[place] != '"':
        place += text[place] == "\\" and text[place + 1 : place + 2] in ("\\", '"')
        found += text[place : place + 1]
        place += 1
    return " ".join(found.split(" ")).strip(), place + 1


# --- the fields ---------------------------------------------------------------------------------------------------


def _any(_field: str, value: str) -> str:
    return value


def _word(_field: str, value: str) -> str:
    return value.lower()


def _some_of(known: Iterable[str]) -> Callable[[str, str], str]:
    """One or more of these words, with commas between them."""
    words = tuple(known)

    def read(field: str, value: str) -> str:
        given = [part.strip().lower() for part in value.split(",") if part.strip()]
        for part in given:
            if part not in words:
                raise SearchRefused(f'{field}: knows no "{part}"{did_you_mean(part, words)}; it takes {listed(words)}')
        return ",".join(dict.fromkeys(given))

    return read


def _numbers(field: str, value: str) -> str:
    given = [part.strip() for part in value.split(",") if part.strip()]
    if not all(_NUMBER.fullmatch(part) for part in given):
        raise SearchRefused(f"{field}: takes numbers with commas between them, such as {field}:12,13")
    return ",".join(dict.fromkeys(str(int(part.removeprefix("#"))) for part in given))


def _amount(field: str, value: str) -> str:
    found = _AMOUNT.fullmatch(value.replace(" ", ""))
    if not found:
        raise SearchRefused(f"{field}: takes an amount, such as {field}:250, {field}:>=1000 or {field}:<=49.99")
    sign, whole, cents = found[1] or "", found[2].replace(",", ""), found[3] or ""
    return f"{'' if sign == '=' else sign}{whole}{cents}"


def _currency(field: str, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", value, re.ASCII):
        raise SearchRefused(f"{field}: takes a code of three letters, such as {field}:USD")
    return value.upper()


def _day(field: str, value: str) -> str:
    low = value.lower()
    if low in ("today", "yesterday") or (_DAY.fullmatch(low) and _is_date(low)):
        return low
    raise SearchRefused(
        f"{field}: takes a day, a month or a year, such as {field}:2025-12-31, {field}:2025-12 or {field}:yesterday"
    )


def _is_date(text: str) -> bool:
    try:
        period(text, date.min)
    except ValueError:
        return False
    return True


# Field left, what reads its value right. The order is the one in which they are told to a person.
FIELDS: Mapping[str, Callable[[str, str], str]] = {
    "name": _any,
    "email": _word,
    "amount": _amount,
    "currency": _currency,
    "code": _any,
    "id": _numbers,
    "status": _some_of(STATUSES),
    "kind": _some_of(kind.value for kind in Kind),
    "provider": _word,
    "fund": _any,
    "reason": _word,
    "cause": _word,
    "organization": _word,
    "after": _day,
    "before": _day,
    "on": _day,
    "flag": _word,
    "late": _some_of(LATE),
}
# These may stand more than once: each narrows further.
_REPEATED = frozenset({"", "name", "email", "amount"})


def _read(field: str, value: str) -> str:
    if not field:
        return value
    reader = FIELDS.get(field)
    if reader is None:
        known = ", ".join(FIELDS)
        hint = did_you_mean(field, FIELDS)
        raise SearchRefused(
            f'there is no field "{field}"{hint}; the fields are {known}. Quote a word that has a colon in it'
        )
    read = reader(field, value) if value else ""
    if not read:
        raise SearchRefused(f"{field}: needs a value right after the colon")
    return read


def _once(terms: Iterable[Term]) -> None:
    seen: dict[str, str] = {}
    for term in terms:
        if term.field not in _REPEATED and seen.setdefault(term.field, term.value) != term.value:
            raise SearchRefused(f"{term.field}: stands twice with different values")


# --- what values mean ---------------------------------------------------------------------------------------------


def statuses(value: str) -> tuple[Status, ...]:
    """The states that a value of ``status:`` stands for."""
    wanted = value.split(",") if value else []
    named = [GROUPS.get(word) or {Status(word)} for word in wanted]
    return tuple(status for status in Status if any(status in group for group in named))


def period(value: str, today: date) -> tuple[date, date]:
    """The first day of a day, month or year, and the day after its last. Raises ValueError."""
    if value in ("today", "yesterday"):
        first = today - timedelta(days=value == "yesterday")
        return first, first + timedelta(days=1)
    year, month, day = (*(int(part) for part in value.split("-")), 0, 0)[:3]
    if day:
        return date(year, month, day), date(year, month, day) + timedelta(days=1)
    if month:
        return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
    return date(year, 1, 1), date(year + 1, 1, 1)


def sign(value: str) -> tuple[str, tuple[Money, ...]]:
    """A value of ``amount:``: how it compares (">=", "" for exactly), and with what."""
    number = value.lstrip("<>=")
    return value[: len(value) - len(number)], amounts(number)


def amounts(word: str) -> tuple[Money, ...]:
    """A word that a person means as an amount, once for each number of decimals that a currency can have."""
    found = _AMOUNT.fullmatch(word)
    if not found or found[1]:
        return ()
    number = found[2].replace(",", "") + (found[3] or "")
    return tuple(filter(None, (_money(number, currency) for currency in _EACH_EXPONENT)))


# One currency for each number of decimals: amounts are compared in minor units.
_EACH_EXPONENT = ("USD", *{exponent: code for code, exponent in EXPONENTS.items()}.values())


def _money(number: str, currency: str) -> Money | None:
    try:
        return Money.parse(number, currency)
    except ValueError:
        return None
