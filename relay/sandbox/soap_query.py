"""The query language of the web services, after its published grammar (H), over rows of dotted names and texts.

http://open.convio.com/webservices/apidoc/concepts/query_syntax.html. The grammar names no precedence of `and` and `or`;
here, as in SQL, `and` binds closer (M).
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Row = Mapping[str, str]
Test = Callable[[Row], bool]
TOKEN = re.compile(r"""\s*(?:
    (?P<moment>\d{4}-\d\d-\d\d(?:[Tt]\d\d:\d\d:\d\d)?(?:[Zz]|[+-]\d\d:?\d\d)?) |
    (?P<number>\d+\.?\d*|\.\d+) |
    (?P<text>'(?:[^'\\]|\\['\\])*') |
    (?P<word>[A-Za-z][A-Za-z0-9_.]*\*?|\*) |
    (?P<sign><>|>=|<=|[<>=(),])
)""", re.VERBOSE)  # fmt: skip
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


class BadQuery(ValueError):
    """The query is not one; the text is a sentence."""


@dataclass(frozen=True)
class Query:
    """What is asked for. `conditions` are the fields of the where clause."""

    fields: tuple[str, ...]
    record_type: str
    test: Test
    conditions: tuple[str, ...]


def parse(text: str) -> Query:
    """Raises BadQuery."""
    reader = _Reader(_tokens(text))
    reader.expect("select")
    fields = [reader.word()]
    while reader.take(","):
        fields.append(reader.word())
    reader.expect("from")
    record_type = reader.word()
    test: Test = reader.criteria() if reader.take("where") else lambda _row: True
    if reader.rest:
        raise BadQuery(f"Unexpected {reader.rest[0][1]!r}.")
    return Query(tuple(fields), record_type, test, tuple(reader.conditions))


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place, text = [], 0, text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise BadQuery(f"Unexpected character at {place + 1}.")
        found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        place = match.end()
    return found


@dataclass
class _Reader:
    """A descent through the grammar; `rest` are the tokens not read yet."""

    rest: list[tuple[str, str]]
    conditions: list[str] = field(default_factory=list)

    def next(self) -> tuple[str, str]:
        if not self.rest:
            raise BadQuery("The query ends too early.")
        return self.rest.pop(0)

    def take(self, word: str) -> bool:
        found = bool(self.rest) and self.rest[0][0] in ("word", "sign") and self.rest[0][1].lower() == word
        if found:
            self.rest.pop(0)
        return found

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise BadQuery(f"Expected {word!r}.")

    def word(self) -> str:
        kind, text = self.next()
        if kind != "word":
            raise BadQuery(f"Expected a name, not {text!r}.")
        return text

    def criteria(self) -> Test:
        return self._joined("or", any, lambda: self._joined("and", all, self._criterion))

    def _joined(self, word: str, join: Callable[[Sequence[bool]], bool], part: Callable[[], Test]) -> Test:
        tests = [part()]
        while self.take(word):
            tests.append(part())
        return lambda row: join([test(row) for test in tests])

    def _criterion(self) -> Test:
        if self.take("("):
            inner = self.criteria()
            self.expect(")")
            return inner
        name = self.word()
        self.conditions.append(name)
        if self.take("is"):
            wanted = self.take("not")
            self.expect("null")
            return lambda row: bool(row.get(name)) is wanted
        sign = self.next()[1]
        if sign not in COMPARE:
            raise BadQuery(f"{sign!r} is no operator.")
        kind, text = self.next()
        return _comparison(name, COMPARE[sign], kind, text)


def _comparison(name: str, compare: Callable[[Any, Any], bool], kind: str, text: str) -> Test:
    """Numbers and moments are compared as what they are; a row without the field fails (as null does in SQL)."""
    if kind not in READ:
        raise BadQuery(f"{text!r} is no value.")
    read, wanted = READ[kind], _value(kind, text)
    return lambda row: bool(row.get(name)) and compare(read(row[name]), wanted)


def _value(kind: str, text: str) -> Any:
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        return READ[kind](text)
    except ValueError:
        raise BadQuery(f"{text!r} is no date.") from None


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


READ: dict[str, Callable[[str], Any]] = {"text": str, "number": Decimal, "moment": _moment}
