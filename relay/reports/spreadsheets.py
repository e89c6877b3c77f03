"""CSV for people: opened in a spreadsheet, no cell of it ever counts as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

# What a spreadsheet takes for the beginning of a formula; some take the wide signs of East Asian keyboards as well.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_lines(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a CSV file, titles first. Numbers stay numbers; a text that looks like a formula is marked."""
    held = io.StringIO()
    writer = csv.writer(held)
    for row in chain([titles], rows):
        writer.writerow([cell(value) for value in row])
        yield held.getvalue()
        held.seek(0)
        held.truncate()


def cell(value: object) -> object:
    """What may stand in a cell: ``=1+1`` from a stranger becomes ``'=1+1``."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
