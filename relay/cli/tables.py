"""Tables for a person: columns as wide as they need, numbers to the right, the last column free."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

# What a terminal would obey rather than show, and a donor's name may hold.
_CONTROL = {"Cc", "Cf", "Zl", "Zp"}
WIDEST = 32


def table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> Iterator[str]:
    """Lines of an aligned table; a long cell is cut with an ellipsis, except in the last column."""
    last = len(titles) - 1
    shown = [[plain(cell) if place == last else cut(plain(cell)) for place, cell in enumerate(row)] for row in rows]
    widths = [max(map(width, column)) for column in zip(titles, *shown, strict=True)]
    for row in [list(titles), ["-" * width(title) for title in titles], *shown]:
        cells = (_padded(cell, widths[place], to_right=place in right) for place, cell in enumerate(row))
        yield "  ".join(cells).rstrip()


def plain(text: str) -> str:
    """One line without control characters: what is typed by strangers must not steer a terminal."""
    return " ".join("".join(" " if unicodedata.category(sign) in _CONTROL else sign for sign in text).split())


def cut(text: str) -> str:
    """At most WIDEST signs."""
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


def width(text: str) -> int:
    """Places on a terminal: wide signs take two, marks that combine none."""
    return sum(_places(sign) for sign in text)


def _places(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _padded(cell: str, places: int, *, to_right: bool) -> str:
    gap = " " * (places - width(cell))
    return gap + cell if to_right else cell + gap
